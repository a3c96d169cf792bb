package licenseserver.http;

/**
 * A call that cannot be answered now and gets 503. The message is for the operator and holds nothing of the request.
 */
public final class UnavailableException extends RuntimeException {
    /** Says why, as the end of a sentence that begins with "because". */
    public UnavailableException(String why) {
        super(why, null, false, false);
    }
}
