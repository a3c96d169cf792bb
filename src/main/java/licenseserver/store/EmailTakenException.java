package licenseserver.store;

/** The new e-mail of a license has a license already. Nothing was changed. */
public final class EmailTakenException extends RuntimeException {
    public EmailTakenException() {
        super("the e-mail has a license already", null, false, false);
    }
}
