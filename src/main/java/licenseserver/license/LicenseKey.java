package licenseserver.license;

import java.security.SecureRandom;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The key that a customer types, for example {@code K7FH-WP3A-M9QZ-B2CD}: four groups of four characters that cannot be
 * mistaken for each other.
 *
 * <p>Keys imported from elsewhere may have another shape; they are kept as they are, in upper case. As a string a key
 * shows only its last four characters, so that it can be logged.
 *
 * @param value the key in its stored form
 */
public record LicenseKey(String value) {
    /** The most characters a key can have; longer input is an unknown key. */
    public static final int MAX_LENGTH = 64;

    private static final String ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private static final int GROUPS = 4;
    private static final int GROUP_LENGTH = 4;

    private static final Pattern SEPARATORS = Pattern.compile("[\\p{Pd}\\u2212\\s\\p{Z}]+");
    private static final Pattern UNGROUPED = Pattern.compile("[A-HJ-NP-Z2-9]{16}");
    private static final Pattern GROUP_ENDS = Pattern.compile("(.{4})(?=.)");
    /** A brace would move the keys that belong to a license into other Redis Cluster slots than its own. */
    private static final Pattern UNUSABLE = Pattern.compile("[\\p{Cc}\\p{Cs}{}]");

    /** Draws a new key: 80 bits, each character equally likely. */
    public static LicenseKey random(SecureRandom random) {
        var key = new StringBuilder(GROUPS * (GROUP_LENGTH + 1));
        for (int i = 0; i < GROUPS * GROUP_LENGTH; i++) {
            if (i > 0 && i % GROUP_LENGTH == 0) {
                key.append('-');
            }
            key.append(ALPHABET.charAt(random.nextInt(ALPHABET.length())));
        }
        return new LicenseKey(key.toString());
    }

    /**
     * Reads a key as people type it: letter case, surrounding white space, and dashes that are missing or typed as another
     * dash or as a space do not matter.
     *
     * @return empty where no license can have this key
     */
    public static Optional<LicenseKey> parse(String input) {
        if (isAsIssued(input)) {
            return Optional.of(new LicenseKey(input));
        }
        String typed =
                SEPARATORS.matcher(WhiteSpace.strip(input)).replaceAll("-").toUpperCase(Locale.ROOT);
        if (typed.isEmpty()
                || typed.length() > MAX_LENGTH
                || UNUSABLE.matcher(typed).find()) {
            return Optional.empty();
        }
        String ungrouped = typed.replace("-", "");
        return Optional.of(new LicenseKey(
                UNGROUPED.matcher(ungrouped).matches()
                        ? GROUP_ENDS.matcher(ungrouped).replaceAll("$1-")
                        : typed));
    }

    /** Whether it needs no mending: what apps send, at the rate of validations, of which the mending would cost a tenth. */
    private static boolean isAsIssued(String input) {
        if (input.length() != GROUPS * (GROUP_LENGTH + 1) - 1) {
            return false;
        }
        for (int i = 0; i < input.length(); i++) {
            boolean isSeparator = i % (GROUP_LENGTH + 1) == GROUP_LENGTH;
            if (isSeparator ? input.charAt(i) != '-' : ALPHABET.indexOf(input.charAt(i)) < 0) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "…" + value.substring(Math.max(0, value.length() - GROUP_LENGTH));
    }
}
