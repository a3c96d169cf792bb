package licenseserver.store;

import java.time.Duration;
import java.time.Instant;
import licenseserver.license.LicenseKey;

/**
 * A sign of life: when a machine of a license was seen.
 *
 * @param machine the {@link #digest} of the machine's id
 * @param minute minutes since 1970
 */
public record Sign(LicenseKey key, long machine, int minute) {
    private static final long SECONDS = Duration.ofMinutes(1).toSeconds();

    /** Any odd number with well mixed bits will do. This one is 2^64 divided by the golden ratio. */
    private static final long FACTOR = 0x9E37_79B9_7F4A_7C15L;

    /** Returns the sign of a machine that is seen at this time, which is rounded down to the minute. */
    static Sign of(LicenseKey key, String machineId, Instant now) {
        return new Sign(key, digest(machineId), minute(now));
    }

    static int minute(Instant time) {
        return (int) Math.floorDiv(time.getEpochSecond(), SECONDS);
    }

    static Instant time(int minute) {
        return Instant.ofEpochSecond(minute * SECONDS);
    }

    /**
     * Returns 64 bits that stand for a text. They are stored, so they must never change. Whoever wants two texts with
     * the same digest can find them, and gains nothing: two machines of one license would be seen at the same times.
     */
    static long digest(String text) {
        long digest = FACTOR;
        for (int i = 0; i < text.length(); i++) {
            digest = (digest + text.charAt(i)) * FACTOR;
        }
        return mixed(digest);
    }

    /** Returns 64 bits that stand for a machine of one license among the machines of all licenses. */
    static long digest(LicenseKey key, long machine) {
        return mixed(digest(key.value()) + machine * FACTOR);
    }

    /** Lets each bit depend on all others. */
    private static long mixed(long bits) {
        long mixed = (bits ^ (bits >>> 32)) * 0xD6E8_FEB8_6659_FD93L;
        mixed = (mixed ^ (mixed >>> 32)) * 0xD6E8_FEB8_6659_FD93L;
        return mixed ^ (mixed >>> 32);
    }
}
