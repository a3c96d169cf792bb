package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether Redis answers, by asking it twice a second on a connection of its own, and tells the operator when that
 * changes. When Redis first answers it reads the settings that decide whether data can be lost, and warns where it can.
 */
public final class RedisMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(RedisMonitor.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final RedisPool redis;
    private volatile boolean answering;
    private boolean failureTold;
    private boolean settingsRead;
    private volatile boolean closed;

    /** Starts to ask at once. */
    public RedisMonitor(Vertx vertx, String url) {
        this.vertx = vertx;
        this.redis = new RedisPool(vertx, url, PATIENCE, 1);
        ask();
    }

    /** Whether Redis answered the last time it was asked; no before its first answer. May be called from any thread. */
    public boolean isAnswering() {
        return answering;
    }

    /** Stops asking. */
    public Future<Void> close() {
        closed = true;
        return redis.close();
    }

    private void ask() {
        redis.batch(Deadline.in(PATIENCE), Request.cmd(Command.PING))
                .onSuccess(pong -> up())
                .onFailure(this::down)
                .eventually(() -> vertx.timer(INTERVAL.toMillis(), TimeUnit.MILLISECONDS))
                .onComplete(next -> {
                    if (!closed) {
                        ask();
                    }
                });
    }

    private void up() {
        if (!answering) {
            LOG.info("Redis answers");
        }
        answering = true;
        failureTold = false;
        if (!settingsRead) {
            settingsRead = true;
            warnWhereDataCanBeLost();
        }
    }

    private void down(Throwable failure) {
        answering = false;
        if (!failureTold && !closed) {
            LOG.error("Redis cannot be used: {}; calls are answered 503 until it can", failure.getMessage());
            failureTold = true;
        }
    }

    private void warnWhereDataCanBeLost() {
        Future.all(setting("appendonly"), setting("appendfsync"), setting("maxmemory"), setting("maxmemory-policy"))
                .onSuccess(settings -> warnings(
                                settings.resultAt(0), settings.resultAt(1), settings.resultAt(2), settings.resultAt(3))
                        .forEach(LOG::warn))
                .onFailure(refused -> LOG.info(
                        "Redis does not tell its settings; see to it that appendonly is yes, appendfsync is always,"
                                + " and maxmemory-policy is noeviction"));
    }

    private Future<String> setting(String name) {
        return redis.batch(
                        Deadline.in(PATIENCE),
                        Request.cmd(Command.CONFIG).arg("GET").arg(name))
                .map(replies -> {
                    Response value = replies.get(0).get(name);
                    return value == null ? "" : value.toString();
                });
    }

    /** What these settings can cost, one plain sentence each; empty where nothing can be lost. */
    static List<String> warnings(String appendonly, String appendfsync, String maxmemory, String maxmemoryPolicy) {
        var warnings = new ArrayList<String>();
        if (!appendonly.equals("yes")) {
            warnings.add("Redis keeps no append-only file (appendonly " + appendonly
                    + "): what changed since its last snapshot is lost when it stops. Set appendonly yes.");
        } else if (!appendfsync.equals("always")) {
            warnings.add("Redis does not write to disk before it answers (appendfsync " + appendfsync
                    + "): the last second of changes can be lost when its machine fails. Set appendfsync always.");
        }
        if (!maxmemoryPolicy.equals("noeviction")) {
            warnings.add("Redis deletes licenses when its memory is full (maxmemory-policy " + maxmemoryPolicy
                    + ", maxmemory " + maxmemory + "). Set maxmemory-policy noeviction.");
        }
        return warnings;
    }
}
