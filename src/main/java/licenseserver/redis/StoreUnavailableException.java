package licenseserver.redis;

/**
 * Redis did not answer in time, or not usefully. Whether a change was made is unknown; every call may be repeated. The
 * message is for the operator and holds nothing of a license.
 */
public sealed class StoreUnavailableException extends RuntimeException permits NothingDoneException {
    public StoreUnavailableException(String message) {
        super(message, null, false, false);
    }
}
