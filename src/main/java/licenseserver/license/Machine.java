package licenseserver.license;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A machine that a license is active on; it holds one of the license's slots.
 *
 * @param machineId the client's own name for the machine, which is compared as it is
 * @param activatedAt when it was activated, to the millisecond
 * @param label what people call it, for example its host name, as the client last gave it; null if it never did
 * @param lastSeenAt when it was last validated, to about an hour; null if it has not been since it was activated
 * @param unknownFields the stored fields that this version does not know, exactly as they were read: JSON members
 *     separated by commas; empty if there are none
 */
public record Machine(
        String machineId,
        Instant activatedAt,
        @Nullable String label,
        @Nullable Instant lastSeenAt,
        String unknownFields) {
    /** The most characters that a {@code machineId} can have. */
    public static final int MAX_ID_LENGTH = 256;

    /** The most characters that a label can have. */
    public static final int MAX_LABEL_LENGTH = 100;

    /**
     * Returns whether a machine can have this id: at most {@value #MAX_ID_LENGTH} characters, none of them a control
     * character or half of a surrogate pair, which could not be stored and found again.
     */
    public static boolean isValidId(String machineId) {
        return machineId.length() <= MAX_ID_LENGTH && Text.isPrintable(machineId);
    }

    /** Returns when it was last validated or activated. */
    public Instant lastSign() {
        return lastSeenAt != null && lastSeenAt.isAfter(activatedAt) ? lastSeenAt : activatedAt;
    }

    Machine seenAt(Instant when) {
        return new Machine(machineId, activatedAt, label, when, unknownFields);
    }

    Machine labelled(String other) {
        return new Machine(machineId, activatedAt, other, lastSeenAt, unknownFields);
    }

    /** Does not show the id, which can contain the name of its owner. */
    @Override
    public String toString() {
        return "Machine[activatedAt=" + activatedAt + "]";
    }
}
