package licenseserver.store;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;

/**
 * Reads licenses in the form that {@link LicenseJson} writes: without white space and escapes, and with the usual
 * fields only. Returns null for any other text, including malformed text, which is left to the parser of {@link
 * LicenseJson}.
 *
 * <p>It exists because it takes a fifth of the parser's time, and parsing was a quarter of the time of a validation.
 */
final class PlainLicense {
    /** Any number with this many digits fits into a {@code long}. */
    private static final int MAX_LONG_DIGITS = 18;

    private static final int MAX_INT_DIGITS = 9;

    private final String text;
    private int position;
    private boolean other;

    private PlainLicense(String text) {
        this.text = text;
    }

    /** Returns the license; null if {@link LicenseJson} must parse the text. */
    static @Nullable License read(String text) {
        return text.indexOf('\\') >= 0 ? null : new PlainLicense(text).license();
    }

    private @Nullable License license() {
        require("{\"key\":");
        String key = string();
        require(",\"email\":");
        String email = string();
        require(",\"createdAt\":");
        Instant createdAt = instant();
        require(",\"maxMachines\":");
        int maxMachines = (int) number(MAX_INT_DIGITS);
        require(",\"disabled\":");
        boolean disabled = take("true");
        if (!disabled) {
            require("false");
        }
        require(",\"machines\":[");
        List<Machine> machines = machines();
        String disabledReason = take(",\"disabledReason\":") ? string() : null;
        Instant expiresAt = take(",\"expiresAt\":") ? instant() : null;
        String product = take(",\"product\":") ? string() : null;
        String notes = take(",\"notes\":") ? string() : null;
        require("}");
        if (other || position != text.length()) {
            return null;
        }
        return new License(
                new LicenseKey(key),
                email,
                createdAt,
                new Terms(maxMachines, expiresAt, product, null, notes, null, null),
                disabled,
                disabledReason,
                machines,
                List.of(),
                "");
    }

    private List<Machine> machines() {
        if (take("]")) {
            return List.of();
        }
        var machines = new ArrayList<Machine>();
        do {
            require("{\"machineId\":");
            String machineId = string();
            require(",\"activatedAt\":");
            Instant activatedAt = instant();
            String label = take(",\"label\":") ? string() : null;
            Instant lastSeenAt = take(",\"lastSeenAt\":") ? instant() : null;
            require("}");
            machines.add(new Machine(machineId, activatedAt, label, lastSeenAt, ""));
        } while (!other && take(","));
        require("]");
        return machines;
    }

    private boolean take(String expected) {
        if (text.startsWith(expected, position)) {
            position += expected.length();
            return true;
        }
        return false;
    }

    /** After the first difference, whatever else is read is not used. */
    private void require(String expected) {
        if (!take(expected)) {
            other = true;
        }
    }

    private String string() {
        int end = take("\"") ? text.indexOf('"', position) : -1;
        if (end < 0) {
            other = true;
            return "";
        }
        String value = text.substring(position, end);
        position = end + 1;
        return value;
    }

    private Instant instant() {
        return Instant.ofEpochMilli(number(MAX_LONG_DIGITS));
    }

    private long number(int maxDigits) {
        int start = position;
        long number = 0;
        while (position < text.length() && text.charAt(position) >= '0' && text.charAt(position) <= '9') {
            number = number * 10 + text.charAt(position) - '0';
            position++;
        }
        int digits = position - start;
        boolean plain = digits > 0 && digits <= maxDigits && (digits == 1 || text.charAt(start) != '0');
        if (!plain) {
            other = true;
        }
        return plain ? number : 0;
    }
}
