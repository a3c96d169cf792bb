package licenseserver.idempotency;

import static licenseserver.redis.RedisCommands.command;
import static licenseserver.redis.RedisCommands.text;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisContent;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisRight;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;
import org.jspecify.annotations.Nullable;

/**
 * Requests and their answers in Redis, each under {@code idempotency:NAME}: {@code {"check":…,"claim":TOKEN}} while a
 * request is under way, and then {@code {"check":…,"answer":SEALED}}. Belongs to the event loop that it is made on.
 *
 * <p>Also understands what earlier versions stored, for the day that it lasts: {@code {"payload":SHA-256 of the
 * body}}, with {@code "status"} and {@code "body"} once the request is answered.
 */
public final class RedisIdempotencyStore implements IdempotencyStore {
    private static final String KEYS = "idempotency:";

    /** What the checkup of Redis must know about these keys. */
    public static final RedisContent CONTENT = () -> List.of(
            RedisRight.of(KEYS + "*", "GET"), RedisRight.of(KEYS + "*", "SET", ""), RedisRight.of(KEYS + "*", "DEL"));

    private static final Duration KEPT = Duration.ofHours(24);

    /**
     * How long a claim lasts if its server dies. The server renews it while it works on the request, so it can be
     * shorter than a call.
     */
    private static final Duration CLAIMED = Duration.ofSeconds(3);

    private static final Duration RENEWED_EVERY = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final RedisPool redis;
    private final RedisTransactions transactions;
    private final Duration timeout;

    /** The timers that renew claims, by the claim's token. */
    private final Map<String, Long> renewals = new ConcurrentHashMap<>();

    /**
     * A store on the current event loop.
     *
     * @param redis stays open when this store is closed
     * @param timeout the longest that any call takes
     */
    public RedisIdempotencyStore(Vertx vertx, RedisPool redis, Duration timeout) {
        this.vertx = vertx;
        this.redis = redis;
        this.transactions = new RedisTransactions(vertx, redis);
        this.timeout = timeout;
    }

    /** Stops renewing claims. */
    public void close() {
        renewals.values().forEach(vertx::cancelTimer);
    }

    @Override
    public Future<Claim> claim(IdempotentRequest request) {
        String at = at(request);
        return redis.change(
                        at,
                        Deadline.in(timeout),
                        command(Command.SET, at, claimOf(request), "NX", "PX", millis(CLAIMED)),
                        command(Command.GET, at))
                // Redis may have the claim anyway. Releasing it spares the client's next attempt a wait.
                .onFailure(unknown -> release(request))
                .map(replies -> replies.get(0) == null
                        ? known(request, text(replies.get(1)).orElse(null))
                        : new Claim.First())
                .onSuccess(claim -> {
                    if (claim instanceof Claim.First) {
                        renewals.put(
                                request.token(),
                                vertx.setPeriodic(RENEWED_EVERY.toMillis(), renewal -> renew(request)));
                    }
                });
    }

    private static Claim known(IdempotentRequest request, @Nullable String stored) {
        if (stored == null) {
            return new Claim.UnderWay();
        }
        var known = new JsonObject(stored);
        boolean same = known.containsKey("check")
                ? request.check().equals(known.getString("check"))
                : request.bodyDigest().equals(known.getString("payload"));
        if (!same) {
            return new Claim.OtherPayload();
        }
        if (known.containsKey("answer")) {
            return new Claim.Answered(answer(new JsonObject(request.open(known.getString("answer")))));
        }
        if (known.containsKey("status")) {
            return new Claim.Answered(formerAnswer(known.getInteger("status"), known.getString("body")));
        }
        return request.token().equals(known.getString("claim")) ? new Claim.First() : new Claim.UnderWay();
    }

    private static KeptAnswer answer(JsonObject opened) {
        JsonObject license = opened.getJsonObject("license");
        return new KeptAnswer(
                opened.getInteger("status"),
                opened.getString("body"),
                license == null
                        ? null
                        : new NamedLicense(
                                license.getString("key"), license.getString("email"), license.getLong("createdAt")));
    }

    /** Reads an answer of an earlier version, in which only the answer itself names the license. */
    private static KeptAnswer formerAnswer(int status, String body) {
        JsonObject answer = new JsonObject(body);
        JsonObject license = answer.getJsonObject("license", answer);
        String key = license.getString("key");
        return new KeptAnswer(
                status,
                body,
                key == null ? null : new NamedLicense(key, license.getString("email"), license.getLong("createdAt")));
    }

    private void renew(IdempotentRequest request) {
        ifClaimed(request, command(Command.SET, at(request), claimOf(request), "PX", millis(CLAIMED)));
    }

    @Override
    public Future<Void> keep(IdempotentRequest request, KeptAnswer answer) {
        stopRenewing(request);
        var opened = new JsonObject().put("status", answer.status()).put("body", answer.body());
        NamedLicense license = answer.license();
        if (license != null) {
            opened.put(
                    "license",
                    new JsonObject()
                            .put("key", license.key())
                            .put("email", license.email())
                            .put("createdAt", license.createdAt()));
        }
        String answered = new JsonObject()
                .put("check", request.check())
                .put("answer", request.seal(opened.encode()))
                .encode();
        return redis.change(
                        at(request),
                        Deadline.in(timeout),
                        command(Command.SET, at(request), answered, "PX", millis(KEPT)))
                .mapEmpty();
    }

    @Override
    public Future<Void> release(IdempotentRequest request) {
        stopRenewing(request);
        return ifClaimed(request, command(Command.DEL, at(request))).mapEmpty();
    }

    private void stopRenewing(IdempotentRequest request) {
        Long timer = renewals.remove(request.token());
        if (timer != null) {
            vertx.cancelTimer(timer);
        }
    }

    /**
     * Sends a command if the request is still claimed by this attempt. If this attempt was slow, another one may have
     * it.
     */
    private Future<Boolean> ifClaimed(IdempotentRequest request, Request command) {
        String at = at(request);
        return transactions.change(at, List.of(command(Command.GET, at)), Deadline.in(timeout), replies -> {
            boolean claimed =
                    text(replies.get(0)).filter(claimOf(request)::equals).isPresent();
            return Future.succeededFuture(new Change<>(claimed ? List.of(command) : List.of(), claimed));
        });
    }

    private static String claimOf(IdempotentRequest request) {
        return new JsonObject()
                .put("check", request.check())
                .put("claim", request.token())
                .encode();
    }

    private static String millis(Duration duration) {
        return String.valueOf(duration.toMillis());
    }

    private static String at(IdempotentRequest request) {
        return KEYS + request.name();
    }
}
