package licenseserver.license;

import java.util.Locale;

/**
 * What the rules can say of a call; all but {@link #OK} refuse it. The words are part of the API: added to, never renamed.
 */
public enum Verdict {
    /** The call did what it asked for. */
    OK,
    /** No license has this key. */
    NOT_FOUND,
    /** The license was switched off by hand. */
    DISABLED,
    /** The license's time is over. */
    EXPIRED,
    /** The license is good, but not active on this machine. */
    NOT_ACTIVATED,
    /** As many machines are active as the license allows. */
    LIMIT_EXCEEDED,
    /** As many new machines were activated within 30 days as the license allows. */
    TOO_MANY_NEW_MACHINES;

    /** As a client that asks for the reason is told it, for example {@code limit_exceeded}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
