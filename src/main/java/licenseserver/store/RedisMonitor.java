package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether Redis answers, by asking it twice a second on connections of its own, and tells the operator when that
 * changes. Of each master that it first meets it reads the settings that decide whether data can be lost, and warns where it can.
 */
public final class RedisMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(RedisMonitor.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final RedisPool redis;
    private final RedisTopology topology;
    private final boolean isCluster;
    private final Set<RedisNode> settingsRead = new HashSet<>();
    private volatile boolean answering;
    private boolean failureTold;
    private volatile boolean closed;

    /** Starts to ask at once. */
    public RedisMonitor(Vertx vertx, RedisSettings settings, RedisTopology topology) {
        this.vertx = vertx;
        this.redis = new RedisPool(vertx, settings, topology, PATIENCE, 1);
        this.topology = topology;
        this.isCluster = settings.kind() == RedisSettings.Kind.CLUSTER;
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
        Deadline deadline = Deadline.in(PATIENCE);
        deadline.bound(topology.masters())
                .compose(masters -> isAnyUsable(masters, deadline).map(masters))
                .onSuccess(this::up)
                .onFailure(this::down)
                .eventually(() -> vertx.timer(INTERVAL.toMillis(), TimeUnit.MILLISECONDS))
                .onComplete(next -> {
                    if (!closed) {
                        ask();
                    }
                });
    }

    /** Of a cluster one master is enough: what the others have is refused call by call, and not all calls are. */
    private Future<?> isAnyUsable(Set<RedisNode> masters, Deadline deadline) {
        return Future.any(
                masters.stream().map(master -> isUsable(master, deadline)).toList());
    }

    private Future<?> isUsable(RedisNode master, Deadline deadline) {
        if (!isCluster) {
            return redis.readAt(master, deadline, Request.cmd(Command.PING));
        }
        return redis.readAt(master, deadline, Request.cmd(Command.CLUSTER).arg("INFO"))
                .compose(replies -> replies.get(0).toString().contains("cluster_state:ok")
                        ? Future.succeededFuture()
                        : Future.failedFuture(new StoreUnavailableException("the cluster of Redis is down")));
    }

    private void up(Set<RedisNode> masters) {
        if (!answering) {
            LOG.info("Redis answers");
        }
        answering = true;
        failureTold = false;
        for (RedisNode master : masters) {
            if (settingsRead.add(master)) {
                warnWhereDataCanBeLost(master);
            }
        }
    }

    private void down(Throwable failure) {
        answering = false;
        if (!failureTold && !closed) {
            LOG.error("Redis cannot be used: {}; calls are answered 503 until it can", RedisPool.reason(failure));
            failureTold = true;
        }
    }

    private void warnWhereDataCanBeLost(RedisNode master) {
        Future.all(
                        setting(master, "appendonly"),
                        setting(master, "appendfsync"),
                        setting(master, "maxmemory"),
                        setting(master, "maxmemory-policy"))
                .onSuccess(settings -> warnings(
                                settings.resultAt(0), settings.resultAt(1), settings.resultAt(2), settings.resultAt(3))
                        .forEach(warning -> LOG.warn("{}: {}", master, warning)))
                .onFailure(refused -> LOG.info(
                        "{} does not tell its settings; see to it that appendonly is yes, appendfsync is always,"
                                + " and maxmemory-policy is noeviction",
                        master));
    }

    private Future<String> setting(RedisNode master, String name) {
        return redis.readAt(
                        master,
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
