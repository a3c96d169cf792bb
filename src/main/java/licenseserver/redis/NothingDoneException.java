package licenseserver.redis;

/**
 * Redis was not available, and has certainly changed nothing. The same may be asked again, maybe of another server.
 */
final class NothingDoneException extends StoreUnavailableException {
    private static final long serialVersionUID = 1;

    NothingDoneException(String message) {
        super(message);
    }
}
