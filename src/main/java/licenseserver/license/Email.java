package licenseserver.license;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The address a license was sold to, compared without regard to letter case and surrounding white space. As a string it
 * shows nothing, so that it cannot be logged by accident.
 *
 * @param address the address in lower case, without surrounding white space
 */
public record Email(String address) {
    /** The most characters an address can have (RFC 5321, 4.5.3.1.3, less the angle brackets). */
    public static final int MAX_LENGTH = 254;

    private static final Pattern TEXT_AT_TEXT =
            Pattern.compile("[^\\s\\p{Z}\\p{Cc}\\p{Cs}@,;<>]+@[^\\s\\p{Z}\\p{Cc}\\p{Cs}@,;<>]+");

    /** Takes any text for an address, as records from elsewhere may hold any. */
    public static Email of(String text) {
        return new Email(WhiteSpace.strip(text).toLowerCase(Locale.ROOT));
    }

    /**
     * Reads an address that a license is to be sold to, strictly: what looks like a list of addresses is not one.
     *
     * @return empty if it has not exactly one {@code @} with text on both sides, if it contains a comma, a semicolon, an
     *     angle bracket, white space or control characters, or if it is longer than {@value #MAX_LENGTH} characters
     */
    public static Optional<Email> parse(String input) {
        return Optional.of(of(input))
                .filter(email -> email.address.length() <= MAX_LENGTH
                        && TEXT_AT_TEXT.matcher(email.address).matches());
    }

    @Override
    public String toString() {
        return "…@…";
    }
}
