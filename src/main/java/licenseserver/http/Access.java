package licenseserver.http;

import io.vertx.core.Future;

/** Decides who may make a call. */
public interface Access {
    /** Lets everyone make the call. */
    Access ANYONE = new Access() {
        @Override
        public Future<Void> admit(Call call) {
            return Future.succeededFuture();
        }

        @Override
        public String who() {
            return "anyone";
        }
    };

    /**
     * Completes if the call may be made, and fails with {@link RefusedException} if not. Looks at no field of the
     * body.
     */
    Future<Void> admit(Call call);

    /** Who may make the call, in a word for the list of calls. */
    String who();
}
