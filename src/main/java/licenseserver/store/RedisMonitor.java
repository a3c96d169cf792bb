package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether Redis answers, by asking it twice a second on connections of its own, and tells the operator when that
 * changes. Of each master that it first meets it tells what {@link RedisCheckup} finds.
 */
public final class RedisMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(RedisMonitor.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Vertx vertx;
    private final RedisPool redis;
    private final RedisTopology topology;
    private final RedisCheckup checkup;
    private final boolean isCluster;
    private final Set<RedisNode> examined = new HashSet<>();
    private volatile boolean answering;
    private boolean failureTold;
    private volatile boolean closed;

    /** Starts to ask at once. */
    public RedisMonitor(Vertx vertx, RedisSettings settings, RedisTopology topology, boolean nearCache) {
        this.vertx = vertx;
        this.redis = new RedisPool(vertx, settings, topology, PATIENCE, 1);
        this.topology = topology;
        this.checkup = new RedisCheckup(redis, settings, nearCache, InstantSource.system());
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
        if (examined.isEmpty()) {
            checkup.rights().onSuccess(findings -> findings.forEach(this::tell));
        }
        for (RedisNode master : masters) {
            if (examined.add(master)) {
                checkup.of(master).onSuccess(findings -> findings.forEach(this::tell));
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

    private void tell(RedisCheckup.Finding finding) {
        if (closed) {
            // Its questions were cut off, which says nothing about Redis.
            return;
        }
        switch (finding.weight()) {
            case FACT -> LOG.info(finding.sentence());
            case NOTICE, WARNING -> LOG.warn(finding.sentence());
            case ERROR -> LOG.error(finding.sentence());
        }
    }
}
