package licenseserver.license;

import java.util.Locale;

/**
 * What the rules say to a call; all but {@link #OK} refuse it. The words are part of the API: more can be added, but
 * none is ever renamed.
 */
public enum Verdict {
    /** The call has done what it was asked for. */
    OK,
    /** No license has this key. */
    NOT_FOUND,
    /** The license is disabled. */
    DISABLED,
    /** The license has expired. */
    EXPIRED,
    /** The license is valid, but not active on this machine. */
    NOT_ACTIVATED,
    /** As many machines are active as the license allows. */
    LIMIT_EXCEEDED,
    /** As many new machines were activated within 30 days as the license allows. */
    TOO_MANY_NEW_MACHINES;

    /** Returns the word for a client that asks for the reason, for example {@code limit_exceeded}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
