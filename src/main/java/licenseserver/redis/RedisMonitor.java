package licenseserver.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows whether Redis can be used. It looks twice per second, on connections of its own, and tells the operator when
 * something changes. It also logs what {@link RedisCheckup} finds about each master that it sees for the first time.
 */
public final class RedisMonitor {
    /** Says what can be done with Redis. */
    public enum State {
        /** Everything. */
        USABLE,
        /** Nothing: it does not answer, or has not answered yet. */
        AWAY,
        /** Nothing: it answers, but the data that this process has seen in it is gone. */
        LOST,
        /** Not everything: its user lacks a right. */
        WITHOUT_RIGHTS
    }

    private static final Logger LOG = LoggerFactory.getLogger(RedisMonitor.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** Long, because a cluster has 256 copies to write. A call that waits for that has a limit of its own. */
    private static final Duration PATIENCE_TO_MAKE = Duration.ofSeconds(5);

    private final Vertx vertx;
    private final Context context;
    private final RedisPool redis;
    private final RedisTopology topology;
    private final StoreIdentity identity;
    private final RedisCheckup checkup;
    private final Consumer<Boolean> outages;
    private final boolean isCluster;
    private final Set<RedisNode> examined = new HashSet<>();
    private final Set<State> told = EnumSet.noneOf(State.class);
    private final Promise<Void> firstLook = Promise.promise();
    private volatile State state = State.AWAY;
    private volatile long lastAnswer;
    private boolean rightsSeen;
    private List<String> missingRights = List.of();
    private boolean counted;
    private @Nullable Future<Void> making;
    private volatile boolean closed;

    /**
     * Starts to look at once.
     *
     * @param settings how Redis is reached
     * @param topology where it is now; shared by the whole process
     * @param contents what the capabilities keep in Redis
     * @param outages told at each look whether nothing can be done with Redis
     */
    public RedisMonitor(
            Vertx vertx,
            RedisSettings settings,
            RedisTopology topology,
            List<RedisContent> contents,
            Consumer<Boolean> outages) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.redis = new RedisPool(vertx, settings, topology, PATIENCE, 1);
        this.topology = topology;
        this.identity = topology.identity();
        this.checkup = new RedisCheckup(redis, settings, contents, InstantSource.system());
        this.outages = outages;
        this.isCluster = settings.kind() == RedisSettings.Kind.CLUSTER;
        identity.madeBy(this::makeIdentity);
        context.runOnContext(start -> look());
    }

    /**
     * What could be done with Redis at the last look; {@link State#AWAY} before the first. May be called from any
     * thread.
     */
    public State state() {
        return state;
    }

    /** How long ago Redis answered for the last time; of no meaning if it never did. May be called from any thread. */
    public Duration sinceAnswer() {
        return Duration.ofNanos(System.nanoTime() - lastAnswer);
    }

    /** Stops looking, and closes all connections. */
    public Future<Void> close() {
        closed = true;
        return redis.close();
    }

    private void look() {
        Deadline deadline = Deadline.in(PATIENCE);
        deadline.bound(topology.masters())
                .compose(masters -> isAnyUsable(masters, deadline)
                        .compose(usable -> identity.look(redis, masters, deadline))
                        .compose(looked -> identity.isLost() ? Future.succeededFuture(State.LOST) : rights(masters))
                        .onSuccess(found -> answered(found, masters)))
                .onFailure(this::unanswered)
                .eventually(() -> {
                    firstLook.tryComplete();
                    return vertx.timer(INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
                })
                .onComplete(next -> {
                    if (!closed) {
                        look();
                    }
                });
    }

    /** In a cluster one master is enough: calls for keys of other masters fail one by one, and the rest go on. */
    private Future<?> isAnyUsable(Set<RedisNode> masters, Deadline deadline) {
        return Future.any(
                masters.stream().map(master -> isUsable(master, deadline)).toList());
    }

    private Future<?> isUsable(RedisNode master, Deadline deadline) {
        if (!isCluster) {
            return redis.askAt(master, deadline, Request.cmd(Command.PING));
        }
        return redis.askAt(master, deadline, Request.cmd(Command.CLUSTER).arg("INFO"))
                .compose(replies -> replies.get(0).toString().contains("cluster_state:ok")
                        ? Future.succeededFuture()
                        : Future.failedFuture(new StoreUnavailableException("the cluster of Redis is down")));
    }

    /**
     * Asks until no right is missing, so that a right counts as soon as it is granted, and again for each new master.
     */
    private Future<State> rights(Set<RedisNode> masters) {
        if (rightsSeen && examined.containsAll(masters)) {
            return Future.succeededFuture(State.USABLE);
        }
        return checkup.missingRights().map(rights -> {
            rightsSeen = rights.isComplete() && rights.missing().isEmpty();
            if (!rights.missing().isEmpty() && !rights.missing().equals(missingRights)) {
                rights.findings().forEach(this::tell);
            }
            missingRights = rights.missing();
            return rights.missing().isEmpty() ? State.USABLE : State.WITHOUT_RIGHTS;
        });
    }

    private void answered(State found, Set<RedisNode> masters) {
        if (found == State.LOST) {
            tellLoss();
        } else {
            lastAnswer = System.nanoTime();
            for (RedisNode master : masters) {
                if (examined.add(master)) {
                    checkup.of(master)
                            .onSuccess(findings -> findings.forEach(this::tell))
                            .onFailure(later -> examined.remove(master));
                }
            }
        }
        if (found == State.USABLE) {
            told.clear();
            if (state != State.USABLE) {
                LOG.info("Redis answers");
            }
            if (!counted) {
                counted = true;
                checkup.findings(keys -> checkup.count(masters, keys))
                        .onSuccess(findings -> findings.forEach(this::tell));
            }
        }
        become(found);
    }

    private void unanswered(Throwable failure) {
        if (identity.isLost()) {
            tellLoss();
            become(State.LOST);
            return;
        }
        // The first look may fail only because the program is still starting.
        if (!closed && firstLook.future().isComplete() && told.add(State.AWAY)) {
            LOG.error("Redis cannot be used: {}; calls are answered 503 until it can", ClientFailures.reason(failure));
        }
        become(State.AWAY);
    }

    private void become(State next) {
        outages.accept(next == State.AWAY || next == State.LOST);
        state = next;
    }

    private void tellLoss() {
        if (told.add(State.LOST)) {
            LOG.error(
                    "{}: at {} the identity that this store had is gone, or another one. Calls are answered 503, and nothing is"
                            + " written, until the data is back. Restore it from a backup. If it is meant to be gone,"
                            + " {}restart all license servers.",
                    StoreIdentity.LOST,
                    identity.lostAt(),
                    isCluster ? "delete the keys store-identity:* of every master, and " : "");
        }
    }

    /** Runs once at a time, however many ask for it. */
    private Future<Void> makeIdentity() {
        Promise<Void> made = Promise.promise();
        context.runOnContext(turn -> {
            Future<Void> underWay = making;
            if (underWay == null) {
                underWay = firstLook.future().compose(looked -> makeIfUsable()).onComplete(done -> making = null);
                making = underWay.isComplete() ? null : underWay;
            }
            underWay.onComplete(made);
        });
        return made.future();
    }

    private Future<Void> makeIfUsable() {
        Deadline deadline = Deadline.in(PATIENCE_TO_MAKE);
        return state == State.USABLE
                ? deadline.bound(topology.masters()).compose(masters -> identity.make(redis, masters, deadline))
                : Future.failedFuture(
                        new StoreUnavailableException("Redis is not ready to be written for the first time"));
    }

    private void tell(RedisCheckup.Finding finding) {
        if (closed) {
            // The questions were cut off by the stop, which says nothing about Redis.
            return;
        }
        switch (finding.weight()) {
            case FACT -> LOG.info(finding.sentence());
            case NOTICE, WARNING -> LOG.warn(finding.sentence());
            case ERROR -> LOG.error(finding.sentence());
        }
    }
}
