package licenseserver.store;

import static licenseserver.store.RedisKeys.command;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Command;
import java.time.Duration;

/** Requests and their answers in Redis, each under {@code idempotency:NAME}. Belongs to the event loop it is made on. */
public final class RedisIdempotencyStore implements IdempotencyStore {
    private static final Duration KEPT = Duration.ofHours(24);

    /** After which a request whose server died may be done again; longer than any call takes. */
    private static final Duration CLAIMED = Duration.ofSeconds(30);

    /** Of these calls there are few. */
    private static final int MAX_CONNECTIONS = 2;

    private final RedisPool redis;
    private final Duration timeout;

    /**
     * A store on the current event loop.
     *
     * @param settings how Redis is reached
     * @param topology where it is now; shared by all of this process
     * @param timeout the longest that any call takes
     */
    public RedisIdempotencyStore(Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout) {
        this.redis = new RedisPool(vertx, settings, topology, timeout, MAX_CONNECTIONS);
        this.timeout = timeout;
    }

    /** Closes all connections. */
    public Future<Void> close() {
        return redis.close();
    }

    @Override
    public Future<Claim> claim(String name, String payload) {
        String claim = new JsonObject().put("payload", payload).encode();
        return redis.change(
                        at(name),
                        Deadline.in(timeout),
                        command(Command.SET, at(name), claim, "NX", "PX", String.valueOf(CLAIMED.toMillis())),
                        command(Command.GET, at(name)))
                .map(replies -> {
                    if (replies.get(0) != null) {
                        return new Claim.First();
                    }
                    if (replies.get(1) == null) {
                        return new Claim.UnderWay();
                    }
                    var known = new JsonObject(replies.get(1).toString());
                    if (!payload.equals(known.getString("payload"))) {
                        return new Claim.OtherPayload();
                    }
                    return known.containsKey("status")
                            ? new Claim.Answered(known.getInteger("status"), known.getString("body"))
                            : new Claim.UnderWay();
                });
    }

    @Override
    public Future<Void> keep(String name, String payload, int status, String body) {
        String answered = new JsonObject()
                .put("payload", payload)
                .put("status", status)
                .put("body", body)
                .encode();
        return redis.change(
                        at(name),
                        Deadline.in(timeout),
                        command(Command.SET, at(name), answered, "PX", String.valueOf(KEPT.toMillis())))
                .mapEmpty();
    }

    @Override
    public Future<Void> release(String name) {
        return redis.change(at(name), Deadline.in(timeout), command(Command.DEL, at(name)))
                .mapEmpty();
    }

    static String at(String name) {
        return "idempotency:" + name;
    }
}
