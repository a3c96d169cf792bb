package licenseserver.redis;

/**
 * Redis did not answer in time, or its answer was of no use. It is not known whether a change was made; every call
 * may be repeated. The message is for the operator. It holds no data and no secret.
 */
public sealed class StoreUnavailableException extends RuntimeException permits NothingDoneException {
    /** A failure with this message, and without a stack trace, because there can be thousands of them per second. */
    public StoreUnavailableException(String message) {
        super(message, null, false, false);
    }
}
