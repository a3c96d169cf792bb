package licenseserver.http;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import licenseserver.store.IdempotencyStore;
import licenseserver.store.IdempotencyStore.Claim;

/**
 * Lets a client repeat a call without repeating its effect: of calls to one path with the same {@code Idempotency-Key} header
 * and the same body, one is done, and all get its answer, for 24 hours (after draft-ietf-httpapi-idempotency-key-header).
 */
final class Idempotency {
    private static final String HEADER = "Idempotency-Key";
    private static final int MAX_LENGTH = 255;
    private static final Reply INVALID =
            Reply.refusal(400, "Idempotency-Key must be 1 to " + MAX_LENGTH + " visible ASCII characters");
    private static final Reply OTHER_PAYLOAD =
            Reply.refusal(422, "Idempotency-Key was used for another request before");
    private static final Reply UNDER_WAY =
            Reply.refusal(409, "The first request with this Idempotency-Key is still under way");
    private static final long PAUSE_MILLIS = 50;
    private static final int MAX_PAUSES = 30;

    private final Vertx vertx;
    private final IdempotencyStore requests;
    private final Failures failures;

    Idempotency(Vertx vertx, IdempotencyStore requests, Failures failures) {
        this.vertx = vertx;
        this.requests = requests;
        this.failures = failures;
    }

    /** Does the call, or answers what it was answered before. Without the header it is just done. */
    Future<Reply> once(HttpServerRequest request, Buffer body, Supplier<Future<Reply>> call) {
        String key = request.getHeader(HEADER);
        if (key == null) {
            return call.get();
        }
        if (key.length() > MAX_LENGTH || !key.matches("[!-~]+")) {
            return Future.succeededFuture(INVALID);
        }
        String name = digest(Buffer.buffer(request.path() + " " + key));
        return once(name, digest(body), call, 0);
    }

    private Future<Reply> once(String name, String payload, Supplier<Future<Reply>> call, int pauses) {
        return requests.claim(name, payload).compose(claim -> {
            if (claim instanceof Claim.Answered answered) {
                return Future.succeededFuture(new Reply(answered.status(), Buffer.buffer(answered.body())));
            }
            if (claim instanceof Claim.OtherPayload) {
                return Future.succeededFuture(OTHER_PAYLOAD);
            }
            if (claim instanceof Claim.First) {
                return first(name, payload, call);
            }
            return pauses == MAX_PAUSES
                    ? Future.succeededFuture(UNDER_WAY)
                    : vertx.timer(PAUSE_MILLIS, TimeUnit.MILLISECONDS)
                            .compose(again -> once(name, payload, call, pauses + 1));
        });
    }

    /** A refusal is an answer, too, and kept; a failure of the server is none, and the next call may do it. */
    private Future<Reply> first(String name, String payload, Supplier<Future<Reply>> call) {
        return Future.succeededFuture()
                .compose(start -> call.get())
                .recover(failure -> Future.succeededFuture(failures.replyTo(failure)))
                .compose(reply -> {
                    Future<Void> noted = reply.status() < 500
                            ? requests.keep(
                                    name, payload, reply.status(), reply.body().toString())
                            : requests.release(name);
                    // What was done is answered also where it cannot be remembered.
                    return noted.transform(done -> Future.succeededFuture(reply));
                });
    }

    private static String digest(Buffer text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes());
            return Base64.getUrlEncoder().withoutPadding().encodeToString(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
