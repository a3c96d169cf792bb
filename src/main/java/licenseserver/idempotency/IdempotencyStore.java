package licenseserver.idempotency;

import io.vertx.core.Future;
import licenseserver.store.LicenseStore;
import org.jspecify.annotations.Nullable;

/** Remembers for a day which requests were made, and what was answered to them. Fails as {@link LicenseStore} does. */
public interface IdempotencyStore {
    /**
     * What was answered.
     *
     * @param status the HTTP status
     * @param body the JSON text
     * @param license the license that the answer names; null if it names none
     */
    record KeptAnswer(int status, String body, @Nullable NamedLicense license) {}

    /**
     * What tells a license from all others, also after its key or its e-mail was changed.
     *
     * @param key the license's key when the answer was given
     * @param email its e-mail at that time; null if that is not known
     * @param createdAt in milliseconds since 1970, which never changes; null if that is not known
     */
    record NamedLicense(
            String key, @Nullable String email, @Nullable Long createdAt) {}

    /** What is known of a request. */
    sealed interface Claim {
        /**
         * Nothing: the caller may do it, must then {@link #keep} or {@link #release}, and is the only one until then, unless its
         * process or its Redis stops for seconds.
         */
        record First() implements Claim {}

        /** It is being done by another call. */
        record UnderWay() implements Claim {}

        /** It was done, with this answer. */
        record Answered(KeptAnswer answer) implements Claim {}

        /** Another payload came under the same name. */
        record OtherPayload() implements Claim {}
    }

    /** Asks to do a request. */
    Future<Claim> claim(IdempotentRequest request);

    /** Remembers the answer to a claimed request for 24 hours. */
    Future<Void> keep(IdempotentRequest request, KeptAnswer answer);

    /** Forgets a claimed request that was not done; does nothing if another call has claimed it since. */
    Future<Void> release(IdempotentRequest request);
}
