package licenseserver.license;

import java.security.SecureRandom;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The key that a customer types, for example {@code K7FH-WP3A-M9QZ-B2CD}: four groups of four characters, none of
 * which looks like another.
 *
 * <p>Keys that were imported from elsewhere can have another form, and are kept in upper case. {@link #toString} shows
 * only the last four characters, so that a key can be logged.
 *
 * @param value the key as it is stored
 */
public record LicenseKey(String value) {
    /** The most characters that a key can have; a longer input is an unknown key. */
    public static final int MAX_LENGTH = 64;

    private static final String ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private static final int GROUPS = 4;
    private static final int GROUP_LENGTH = 4;

    private static final Pattern SEPARATORS = Pattern.compile("[\\p{Pd}\\u2212\\s\\p{Z}]+");
    private static final Pattern UNGROUPED = Pattern.compile("[A-HJ-NP-Z2-9]{16}");
    private static final Pattern GROUP_ENDS = Pattern.compile("(.{4})(?=.)");
    /** A brace would put what belongs to a license into another slot of a Redis Cluster than its record. */
    private static final Pattern UNUSABLE = Pattern.compile("[\\p{Cc}\\p{Cs}{}]");

    /** Draws a new random key of 80 bits; all characters are equally likely. */
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
     * Reads a key as people type it. Letter case, surrounding white space and missing dashes do not matter, and
     * another kind of dash or a space counts as a dash.
     *
     * @return empty if no license can have this key
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

    /** Apps send keys in this form, and for them the full way would take a tenth of a validation's time. */
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
