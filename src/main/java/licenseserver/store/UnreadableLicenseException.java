package licenseserver.store;

/** A stored record that is no license. The message says what is wrong with it and holds nothing of its content. */
public final class UnreadableLicenseException extends RuntimeException {
    UnreadableLicenseException(String message) {
        super(message, null, false, false);
    }
}
