package licenseserver.license;

/** What the rules can say of a call; all but {@link #OK} refuse it. */
public enum Verdict {
    /** The call did what it asked for. */
    OK,
    /** No license has this key. */
    NOT_FOUND,
    /** The license was switched off by hand. */
    DISABLED,
    /** The license is good, but not active on this machine. */
    NOT_ACTIVATED,
    /** As many machines are active as the license allows. */
    LIMIT_EXCEEDED
}
