package licenseserver.http;

/** A request that cannot be taken as it is; carries its answer. */
final class RefusedException extends RuntimeException {
    private final transient Reply reply;

    RefusedException(Reply reply) {
        super(null, null, false, false);
        this.reply = reply;
    }

    Reply reply() {
        return reply;
    }
}
