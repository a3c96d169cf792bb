package licenseserver.idempotency;

import io.vertx.core.Future;
import licenseserver.store.LicenseStore;
import org.jspecify.annotations.Nullable;

/**
 * Remembers for a day which requests were made and how they were answered. Its methods fail like those of {@link
 * LicenseStore}.
 */
public interface IdempotencyStore {
    /**
     * The answer to a request.
     *
     * @param status the HTTP status
     * @param body the JSON text
     * @param license the license that the answer names; null if it names none
     */
    record KeptAnswer(int status, String body, @Nullable NamedLicense license) {}

    /**
     * Identifies a license even after its key or its e-mail has changed.
     *
     * @param key its key when the answer was given
     * @param email its e-mail at that time; null if that is not known
     * @param createdAt when it was created, which never changes, in milliseconds since 1970; null if that is not
     *     known
     */
    record NamedLicense(
            String key, @Nullable String email, @Nullable Long createdAt) {}

    /** What is known about a request. */
    sealed interface Claim {
        /**
         * Nothing is known. The caller may carry it out, and must then {@link #keep} or {@link #release} it. Nobody
         * else may until then, unless the caller's process or its Redis stops for seconds.
         */
        record First() implements Claim {}

        /** Another call is carrying it out. */
        record UnderWay() implements Claim {}

        /** It was carried out and answered. */
        record Answered(KeptAnswer answer) implements Claim {}

        /** The same name was used with another body. */
        record OtherPayload() implements Claim {}
    }

    /** Asks for permission to carry out a request. */
    Future<Claim> claim(IdempotentRequest request);

    /** Remembers the answer to a claimed request for 24 hours. */
    Future<Void> keep(IdempotentRequest request, KeptAnswer answer);

    /** Forgets a claimed request that was not carried out. Does nothing if another call has claimed it since. */
    Future<Void> release(IdempotentRequest request);
}
