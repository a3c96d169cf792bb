package licenseserver.store;

/** A license was to move to an e-mail that has a license already; nothing was changed. */
public final class EmailTakenException extends RuntimeException {
    public EmailTakenException() {
        super("the e-mail has a license already", null, false, false);
    }
}
