package licenseserver.license;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A machine that holds one of a license's slots.
 *
 * @param machineId the client's own opaque name for the machine, compared as it is
 * @param activatedAt when it took the slot, to the millisecond
 * @param label what people call it, for example its host name, as the client said last; null if it never did
 * @param lastSeenAt when it was last validated, to the hour or so; null where it was not since it was activated
 * @param unknownFields the stored fields that this version does not know, kept to the letter: JSON members with commas
 *     between them; empty where there are none
 */
public record Machine(
        String machineId,
        Instant activatedAt,
        @Nullable String label,
        @Nullable Instant lastSeenAt,
        String unknownFields) {
    /** The most characters a {@code machineId} can have. */
    public static final int MAX_ID_LENGTH = 256;

    /** The most characters a label can have. */
    public static final int MAX_LABEL_LENGTH = 100;

    /**
     * Whether a machine can have this id: at most {@value #MAX_ID_LENGTH} characters, none of them a control character or
     * half of a surrogate pair (which could not be stored and found again).
     */
    public static boolean isValidId(String machineId) {
        return machineId.length() <= MAX_ID_LENGTH && Text.isPrintable(machineId);
    }

    /** When it last gave a sign of life. */
    public Instant lastSign() {
        return lastSeenAt != null && lastSeenAt.isAfter(activatedAt) ? lastSeenAt : activatedAt;
    }

    Machine seenAt(Instant when) {
        return new Machine(machineId, activatedAt, label, when, unknownFields);
    }

    Machine labelled(String other) {
        return new Machine(machineId, activatedAt, other, lastSeenAt, unknownFields);
    }

    /** Shows no id: one may name its owner. */
    @Override
    public String toString() {
        return "Machine[activatedAt=" + activatedAt + "]";
    }
}
