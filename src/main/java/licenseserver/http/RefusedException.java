package licenseserver.http;

/** A request that cannot be accepted as it is. Carries its answer. */
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
