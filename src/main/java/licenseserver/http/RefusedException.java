package licenseserver.http;

/** A request that cannot be taken as it is; carries its answer. */
public final class RefusedException extends RuntimeException {
    private final transient Reply reply;

    public RefusedException(Reply reply) {
        super(null, null, false, false);
        this.reply = reply;
    }

    public Reply reply() {
        return reply;
    }
}
