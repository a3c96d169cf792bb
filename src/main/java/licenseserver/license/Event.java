package licenseserver.license;

import java.time.Instant;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One change of a license, as its history keeps it.
 *
 * @param at when it was decided, to the millisecond
 * @param what what happened
 * @param by on whose behalf
 * @param subject what of the license: a machine's id, or a term's name; null where the whole license is meant
 * @param from what was before; null where there was nothing, or nothing worth telling
 * @param to what is now, or why; null likewise
 */
public record Event(
        Instant at,
        What what,
        Actor by,
        @Nullable String subject,
        @Nullable String from,
        @Nullable String to) {

    private static final int LONGEST_VALUE = 200;

    /** What can happen to a license. The words are part of the API: added to, never renamed. */
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

        /** As it stands in the history, for example {@code key_rotated}. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** On whose behalf a license changes. */
    public enum Actor {
        /** Who holds the admin secret. */
        ADMIN,
        /** The customer's machine. */
        CLIENT,
        /** A policy of the server, when a call made it due. */
        POLICY;

        /** As it stands in the history, for example {@code admin}. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Cuts long values short: a history tells what changed, it is no archive. */
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
