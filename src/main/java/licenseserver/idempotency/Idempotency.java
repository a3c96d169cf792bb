package licenseserver.idempotency;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import licenseserver.http.Call;
import licenseserver.http.Once;
import licenseserver.http.Reply;
import licenseserver.idempotency.IdempotencyStore.Claim;
import licenseserver.idempotency.IdempotencyStore.KeptAnswer;
import licenseserver.idempotency.IdempotencyStore.NamedLicense;
import licenseserver.license.Email;
import licenseserver.license.LicenseKey;
import licenseserver.store.LicenseStore;

/**
 * Lets a client repeat a call without repeating its effect. Of all calls to one path with the same {@code
 * Idempotency-Key} header and the same body, one is carried out, and all get its answer, for 24 hours (after
 * draft-ietf-httpapi-idempotency-key-header).
 */
public final class Idempotency implements Once {
    private static final String HEADER = "Idempotency-Key";
    private static final int MAX_LENGTH = 255;
    private static final Reply INVALID =
            Reply.refusal(400, "Idempotency-Key must be 1 to " + MAX_LENGTH + " visible ASCII characters");
    private static final Reply OTHER_PAYLOAD =
            Reply.refusal(422, "Idempotency-Key was used for another request before");
    private static final Reply UNDER_WAY =
            Reply.refusal(409, "The first request with this Idempotency-Key is still under way");
    private static final Reply DELETED = Reply.refusal(409, "This license was deleted");
    private static final long PAUSE_MILLIS = 50;
    private static final int MAX_PAUSES = 30;

    private final Vertx vertx;
    private final IdempotencyStore requests;
    private final LicenseStore licenses;

    /**
     * Remembers requests in a store.
     *
     * @param licenses the licenses that the answers name
     */
    public Idempotency(Vertx vertx, IdempotencyStore requests, LicenseStore licenses) {
        this.vertx = vertx;
        this.requests = requests;
        this.licenses = licenses;
    }

    @Override
    public Future<Reply> once(Call call, Supplier<Future<Reply>> answer) {
        String key = call.header(HEADER);
        if (key == null) {
            return answer.get();
        }
        if (key.length() > MAX_LENGTH || !key.matches("[!-~]+")) {
            return Future.succeededFuture(INVALID);
        }
        return once(new IdempotentRequest(call.path(), key, call.fields().body()), answer, 0);
    }

    private Future<Reply> once(IdempotentRequest request, Supplier<Future<Reply>> answer, int pauses) {
        return requests.claim(request).compose(claim -> {
            if (claim instanceof Claim.Answered answered) {
                return again(answered.answer());
            }
            if (claim instanceof Claim.OtherPayload) {
                return Future.succeededFuture(OTHER_PAYLOAD);
            }
            if (claim instanceof Claim.First) {
                return first(request, answer);
            }
            return pauses == MAX_PAUSES
                    ? Future.succeededFuture(UNDER_WAY)
                    : vertx.timer(PAUSE_MILLIS, TimeUnit.MILLISECONDS)
                            .compose(again -> once(request, answer, pauses + 1));
        });
    }

    /** Repeats the answer, unless its license was deleted since: its key must not be sold a second time. */
    private Future<Reply> again(KeptAnswer answer) {
        NamedLicense license = answer.license();
        return (license == null ? Future.succeededFuture(true) : exists(license))
                .map(exists -> exists ? new Reply(answer.status(), Buffer.buffer(answer.body())) : DELETED);
    }

    /**
     * Returns whether the license exists that had this key then. By now it may have another key or another e-mail.
     */
    private Future<Boolean> exists(NamedLicense license) {
        String email = license.email();
        Long createdAt = license.createdAt();
        return licenses.find(new LicenseKey(license.key())).compose(found -> {
            if (found.isPresent() || email == null || createdAt == null) {
                return Future.succeededFuture(found.isPresent());
            }
            // If a license was registered for the address after the deletion, it is another one.
            return licenses.findByEmail(Email.of(email))
                    .map(other -> other.isPresent()
                            && createdAt.equals(other.get().createdAt().toEpochMilli()));
        });
    }

    /** Keeps the answer, even if it is a refusal. After a failure of the server, the next call may try again. */
    private Future<Reply> first(IdempotentRequest request, Supplier<Future<Reply>> answer) {
        return answer.get().compose(reply -> {
            Future<Void> noted = reply.status() < 500 ? keep(request, reply) : requests.release(request);
            // The client gets its answer even if it cannot be remembered.
            return noted.transform(done -> Future.succeededFuture(reply));
        });
    }

    private Future<Void> keep(IdempotentRequest request, Reply reply) {
        return named(reply)
                .compose(license -> requests.keep(
                        request, new KeptAnswer(reply.status(), reply.body().toString(), license.orElse(null))));
    }

    /** Returns the license that an answer names, with what stays the same if its key or its e-mail changes. */
    private Future<Optional<NamedLicense>> named(Reply reply) {
        JsonObject body = reply.body().toJsonObject();
        String key = body.getJsonObject("license", body).getString("key");
        if (key == null) {
            return Future.succeededFuture(Optional.empty());
        }
        return licenses.find(new LicenseKey(key))
                .map(found -> found.map(license -> new NamedLicense(
                        key, license.email(), license.createdAt().toEpochMilli())))
                .otherwise(Optional.empty())
                .map(license -> Optional.of(license.orElse(new NamedLicense(key, null, null))));
    }
}
