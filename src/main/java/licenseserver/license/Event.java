package licenseserver.license;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One change of a license, as its history records it.
 *
 * @param at when the change was decided, to the millisecond
 * @param what what happened
 * @param by on whose behalf
 * @param subject which part of the license changed: the id of a machine or the name of a term; null for the whole
 *     license
 * @param from the value before; null if there was none or it is of no interest
 * @param to the value after, or the reason; null if there is none
 */
public record Event(
        Instant at,
        What what,
        Actor by,
        @Nullable String subject,
        @Nullable String from,
        @Nullable String to) {

    private static final int LONGEST_VALUE = 200;

    /** What can happen to a license. The words are part of the API: more can be added, but none is ever renamed. */
    public enum What {
        REGISTERED,
        ACTIVATED,
        DEACTIVATED,
        DISABLED,
        ENABLED,
        UPDATED,
        EMAIL_CHANGED,
        KEY_ROTATED,
        DELETED;

        /** Returns the word for it in the history, for example {@code key_rotated}. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** On whose behalf a license changes. */
    public enum Actor {
        /** Someone who has the admin secret. */
        ADMIN,
        /** The customer's machine. */
        CLIENT,
        /** A rule of the server, which a call has triggered. */
        POLICY;

        /** Returns the word for it in the history, for example {@code admin}. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Shortens long values, because a history is not an archive. */
    public Event {
        from = shortened(from);
        to = shortened(to);
    }

    private static @Nullable String shortened(@Nullable String value) {
        if (value == null || value.length() <= LONGEST_VALUE) {
            return value;
        }
        boolean withinOne = Character.isHighSurrogate(value.charAt(LONGEST_VALUE - 1));
        return value.substring(0, withinOne ? LONGEST_VALUE - 1 : LONGEST_VALUE) + "…";
    }
}
