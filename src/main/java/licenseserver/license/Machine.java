package licenseserver.license;

import java.time.Instant;

/**
 * A machine that holds one of a license's slots.
 *
 * @param machineId the client's own opaque name for the machine, compared as it is
 * @param activatedAt when it took the slot, to the millisecond
 * @param unknownFields the stored fields that this version does not know, kept to the letter: JSON members with commas
 *     between them; empty where there are none
 */
public record Machine(String machineId, Instant activatedAt, String unknownFields) {
    /** The most characters a {@code machineId} can have. */
    public static final int MAX_ID_LENGTH = 256;

    /**
     * Whether a machine can have this id: at most {@value #MAX_ID_LENGTH} characters, none of them a control character or
     * half of a surrogate pair (which could not be stored and found again).
     */
    public static boolean isValidId(String machineId) {
        return machineId.length() <= MAX_ID_LENGTH
                && machineId
                        .codePoints()
                        .noneMatch(c -> Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE);
    }

    /** Shows no id: one may name its owner. */
    @Override
    public String toString() {
        return "Machine[activatedAt=" + activatedAt + "]";
    }
}
