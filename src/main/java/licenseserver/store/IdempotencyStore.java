package licenseserver.store;

import io.vertx.core.Future;

/** Remembers for a day which requests were made, and what was answered to them. Fails as {@link LicenseStore} does. */
public interface IdempotencyStore {
    /** What is known of a request. */
    sealed interface Claim {
        /** Nothing: the caller may do it, must then {@link #keep} or {@link #release}, and is the only one until then. */
        record First() implements Claim {}

        /** It is being done by another call. */
        record UnderWay() implements Claim {}

        /** It was done, with this answer. */
        record Answered(int status, String body) implements Claim {}

        /** Another payload came under the same name. */
        record OtherPayload() implements Claim {}
    }

    /**
     * Asks to do a request.
     *
     * @param name what the client calls it
     * @param payload a digest of what it asks for
     */
    Future<Claim> claim(String name, String payload);

    /** Remembers the answer to a request for 24 hours. */
    Future<Void> keep(String name, String payload, int status, String body);

    /** Forgets a request that was not done. */
    Future<Void> release(String name);
}
