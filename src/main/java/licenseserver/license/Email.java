package licenseserver.license;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The address that a license was sold to. Letter case and surrounding white space do not matter. {@link #toString}
 * does not show the address, so it cannot be logged by accident.
 *
 * @param address the address in lower case, without surrounding white space
 */
public record Email(String address) {
    /** The most characters an address can have (RFC 5321, 4.5.3.1.3, less the angle brackets). */
    public static final int MAX_LENGTH = 254;

    private static final Pattern TEXT_AT_TEXT =
            Pattern.compile("[^\\s\\p{Z}\\p{Cc}\\p{Cs}@,;<>]+@[^\\s\\p{Z}\\p{Cc}\\p{Cs}@,;<>]+");

    /** Makes an address of any text, valid or not: a record from elsewhere can hold any text. */
    public static Email of(String text) {
        return new Email(WhiteSpace.strip(text).toLowerCase(Locale.ROOT));
    }

    /**
     * Reads the address of a new license strictly: a list of addresses is not an address.
     *
     * @return empty unless the text has exactly one {@code @} with text on both sides; also empty if it contains a
     *     comma, a semicolon, an angle bracket, white space or control characters, or has more than {@value
     *     #MAX_LENGTH} characters
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
