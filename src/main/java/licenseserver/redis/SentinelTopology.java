package licenseserver.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the one master that the sentinels name. Every sentinel is asked ten times per second. That is often enough
 * to hear that a failover has begun before a replica is promoted. From then on the old master is not used, because
 * the changes that it confirms would be lost. Each failover has a higher epoch than the one before, and the answer
 * with the highest epoch counts, so a sentinel that was frozen or is cut off cannot lead back to an old master. A
 * server is used once it says itself that it is a master; after each doubt it is asked again.
 */
final class SentinelTopology implements RedisTopology {
    private static final Logger LOG = LoggerFactory.getLogger(SentinelTopology.class);

    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofMillis(500);

    /** How long to wait for a failover; one that takes longer will probably fail. */
    private static final Duration FAILOVER = Duration.ofSeconds(5);

    /** After this time, those who wait for a master are told that none is known. */
    private static final Duration SEARCH = Duration.ofSeconds(1);

    /**
     * If all answers contradict what is known for this long, it is forgotten: the sentinels may have been set up
     * anew.
     */
    private static final Duration MEMORY = Duration.ofSeconds(10);

    /** The master that a sentinel names. */
    private record Named(RedisNode server, long epoch) {}

    /** The answer of one sentinel. */
    private record Word(Named named, boolean isFailingOver) {}

    /** The master if it is known, else the search for it. */
    private record Found(Future<RedisNode> server, Future<Set<RedisNode>> masters) {
        static Found master(RedisNode server) {
            return new Found(Future.succeededFuture(server), Future.succeededFuture(Set.of(server)));
        }

        static Found later(Future<RedisNode> search) {
            return new Found(search, search.map(Set::of));
        }
    }

    private final Vertx vertx;
    private final Context context;
    private final NetClient client;
    private final RedisSettings settings;
    private final StoreIdentity identity = StoreIdentity.ofOneServer();
    private final List<Sentinel> sentinels;
    private final List<Consumer<Set<RedisNode>>> listeners = new CopyOnWriteArrayList<>();
    private final long ticks;
    private Promise<RedisNode> search = Promise.promise();
    private long searchingSince = System.nanoTime();
    private volatile Found found = Found.later(search.future());
    private @Nullable Named named;
    private long contradictedSince = Long.MAX_VALUE;
    private @Nullable Named confirming;
    private long failingOverSince = Long.MAX_VALUE;
    private @Nullable RedisNode lastMaster;
    private volatile boolean closed;

    SentinelTopology(Vertx vertx, RedisSettings settings) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.client = vertx.createNetClient(settings.clientOptions(PATIENCE));
        this.settings = settings;
        this.sentinels = settings.nodes().stream().map(Sentinel::new).toList();
        context.runOnContext(now -> tick());
        this.ticks = vertx.setPeriodic(TICK.toMillis(), tick -> context.runOnContext(now -> tick()));
    }

    @Override
    public Future<RedisNode> serverOf(String key) {
        return found.server();
    }

    @Override
    public Future<Set<RedisNode>> masters() {
        return found.masters();
    }

    @Override
    public void doubt(RedisNode server) {
        context.runOnContext(now -> {
            if (isKnown() && server.equals(found.server().result())) {
                searchAgain();
                tick();
            }
        });
    }

    @Override
    public void moved(int slot, RedisNode to) {}

    @Override
    public StoreIdentity identity() {
        return identity;
    }

    @Override
    public List<Consumer<Set<RedisNode>>> listeners() {
        return listeners;
    }

    @Override
    public void close() {
        closed = true;
        vertx.cancelTimer(ticks);
        client.close();
    }

    private boolean isKnown() {
        return found.server().succeeded();
    }

    private void searchAgain() {
        search = Promise.promise();
        searchingSince = System.nanoTime();
        found = Found.later(search.future());
    }

    private void tick() {
        if (closed) {
            return;
        }
        if (!isKnown()) {
            confirm();
            if (System.nanoTime() - searchingSince > SEARCH.toNanos()) {
                Promise<RedisNode> vain = search;
                searchAgain();
                vain.fail(new StoreUnavailableException("no master of Redis is known"));
            }
        }
        sentinels.forEach(Sentinel::ask);
    }

    private void learn(Named word) {
        Named before = named;
        long now = System.nanoTime();
        boolean isContradiction = before != null && !word.equals(before) && word.epoch() <= before.epoch();
        if (isContradiction) {
            contradictedSince = Math.min(contradictedSince, now);
            if (now - contradictedSince < MEMORY.toNanos()) {
                return;
            }
        }
        contradictedSince = Long.MAX_VALUE;
        named = word;
        failingOverSince = isBeingReplaced() ? Math.min(failingOverSince, now) : Long.MAX_VALUE;
        if (isKnown() && (isHeld() || !word.server().equals(found.server().result()))) {
            searchAgain();
        }
        if (!isKnown()) {
            confirm();
        }
    }

    /** Whether a sentinel is replacing the master. It says so until it names the new one. */
    private boolean isBeingReplaced() {
        return sentinels.stream()
                .map(sentinel -> sentinel.lastWord)
                .anyMatch(word ->
                        word != null && word.isFailingOver() && word.named().equals(named));
    }

    private boolean isHeld() {
        return failingOverSince != Long.MAX_VALUE && System.nanoTime() - failingOverSince < FAILOVER.toNanos();
    }

    private void confirm() {
        Named asked = named;
        if (asked == null || asked.equals(confirming) || isHeld()) {
            return;
        }
        confirming = asked;
        isMaster(asked.server()).onComplete(answer -> {
            if (asked.equals(confirming)) {
                confirming = null;
            }
            boolean isMaster = answer.succeeded() && answer.result();
            if (isMaster && asked.equals(named) && !isKnown() && !isHeld()) {
                boolean isAnother = !asked.server().equals(lastMaster);
                lastMaster = asked.server();
                found = Found.master(asked.server());
                search.complete(asked.server());
                if (isAnother) {
                    LOG.info("The master of Redis is {}", asked.server());
                    listeners.forEach(listener -> listener.accept(Set.of(asked.server())));
                }
            }
        });
    }

    private Future<Boolean> isMaster(RedisNode server) {
        return RespConnection.open(vertx, client, server, settings, PATIENCE, PATIENCE)
                .compose(connection -> connection
                        .ask("ROLE")
                        .map(role -> role instanceof List<?> words && "master".equals(words.get(0)))
                        .onComplete(done -> connection.close()));
    }

    /** One of the sentinels. */
    private final class Sentinel {
        private final RedisNode address;
        private @Nullable RespConnection connection;
        private @Nullable Word lastWord;
        private boolean asking;
        private boolean failureTold;

        Sentinel(RedisNode address) {
            this.address = address;
        }

        void ask() {
            if (asking) {
                return;
            }
            asking = true;
            connection().compose(this::ask).onComplete(answer -> {
                asking = false;
                lastWord = answer.otherwiseEmpty().result();
                if (lastWord != null) {
                    failureTold = false;
                    learn(lastWord.named());
                } else if (!failureTold && !closed) {
                    failureTold = true;
                    LOG.warn("The sentinel {} cannot be used: {}", address, ClientFailures.reason(answer.cause()));
                }
            });
        }

        private Future<RespConnection> connection() {
            if (connection != null) {
                return Future.succeededFuture(connection);
            }
            return RespConnection.open(vertx, client, address, settings.ofSentinels(), PATIENCE, PATIENCE)
                    .onSuccess(opened -> {
                        connection = opened;
                        opened.closed().onComplete(end -> connection = null);
                    });
        }

        /** Both questions are sent together, so that both answers are about the same moment. */
        private Future<Word> ask(RespConnection opened) {
            String master = String.valueOf(settings.masterName());
            Future<@Nullable Object> server = opened.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master);
            Future<@Nullable Object> fields = opened.ask("SENTINEL", "MASTER", master);
            return server.compose(words -> words instanceof List<?> found
                    ? fields.map(state -> word(found, (List<?>) state))
                    : Future.failedFuture(new StoreUnavailableException("it knows no master of that name")));
        }

        private static Word word(List<?> server, List<?> state) {
            List<String> fields = state.stream().map(String::valueOf).toList();
            var named = new Named(
                    new RedisNode(String.valueOf(server.get(0)), Integer.parseInt(String.valueOf(server.get(1)))),
                    Long.parseLong(fields.get(fields.indexOf("config-epoch") + 1)));
            return new Word(named, fields.get(fields.indexOf("flags") + 1).contains("failover_in_progress"));
        }
    }
}
