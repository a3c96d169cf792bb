package licenseserver.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the masters of a Redis Cluster and the slots of each. The servers are asked in turn, one per second, and
 * ten per second while there is doubt. Each failover and each move of a slot has a higher epoch than all before, and
 * the answer with the highest epoch counts, so a server that was frozen or is cut off cannot lead back to an old
 * master.
 */
final class ClusterTopology implements RedisTopology {
    private static final Logger LOG = LoggerFactory.getLogger(ClusterTopology.class);

    private static final Duration TICK = Duration.ofMillis(100);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration PATIENCE = Duration.ofMillis(500);

    /** After this time, those who wait for the first answer are told that there is none. */
    private static final Duration SEARCH = Duration.ofSeconds(1);

    /**
     * If all answers contradict what is known for this long, it is forgotten: the cluster may have been set up anew.
     */
    private static final Duration MEMORY = Duration.ofSeconds(10);

    /** The master that has a slot. Only the event loop reads and writes the time since which it is contradicted. */
    private static final class Owner {
        private final RedisNode server;
        private final long epoch;
        private final Future<RedisNode> future;
        private long contradictedSince = Long.MAX_VALUE;

        Owner(RedisNode server, long epoch) {
            this.server = server;
            this.epoch = epoch;
            this.future = Future.succeededFuture(server);
        }
    }

    /** A range of slots, both ends included, and their master. */
    private record Slots(int first, int last, RedisNode master, long epoch) {}

    /** The answer of one server. */
    private record View(List<Slots> slots, Set<RedisNode> servers) {}

    private final Vertx vertx;
    private final Context context;
    private final NetClient client;
    private final RedisSettings settings;
    private final long ticks;
    private final AtomicReferenceArray<@Nullable Owner> owners = new AtomicReferenceArray<>(ClusterSlot.COUNT);
    private final StoreIdentity identity = StoreIdentity.ofCluster(this::isAt);
    private final List<Consumer<Set<RedisNode>>> listeners = new CopyOnWriteArrayList<>();
    private volatile @Nullable Future<Set<RedisNode>> masters;
    private volatile Promise<Void> firstView = Promise.promise();
    private long searchingSince = System.nanoTime();
    private final ArrayList<RedisNode> servers = new ArrayList<>();
    private int next;
    private boolean doubtful = true;
    private boolean failureTold;
    private boolean asking;
    private long lastAsked = System.nanoTime() - PAUSE.toNanos();
    private volatile boolean closed;

    ClusterTopology(Vertx vertx, RedisSettings settings) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.client = vertx.createNetClient(settings.clientOptions(PATIENCE));
        this.settings = settings;
        this.servers.addAll(settings.nodes());
        context.runOnContext(now -> tick());
        this.ticks = vertx.setPeriodic(TICK.toMillis(), tick -> context.runOnContext(now -> tick()));
    }

    @Override
    public Future<RedisNode> serverOf(String key) {
        int slot = ClusterSlot.of(key);
        Owner owner = owners.get(slot);
        if (owner != null) {
            return owner.future;
        }
        return masters == null ? firstView.future().compose(known -> owner(slot)) : owner(slot);
    }

    private Future<RedisNode> owner(int slot) {
        Owner owner = owners.get(slot);
        return owner != null
                ? owner.future
                : Future.failedFuture(new StoreUnavailableException("no server of the cluster has that slot"));
    }

    @Override
    public Future<Set<RedisNode>> masters() {
        Future<Set<RedisNode>> known = masters;
        return known != null ? known : firstView.future().compose(viewed -> masters());
    }

    @Override
    public void doubt(RedisNode server) {
        context.runOnContext(now -> {
            doubtful = true;
            tick();
        });
    }

    @Override
    public void moved(int slot, RedisNode to) {
        context.runOnContext(now -> {
            Owner before = owners.get(slot);
            if (before == null || !before.server.equals(to)) {
                owners.set(slot, new Owner(to, before == null ? 0 : before.epoch));
                countMasters();
            }
            doubtful = true;
            tick();
        });
    }

    @Override
    public StoreIdentity identity() {
        return identity;
    }

    private boolean isAt(RedisNode server, String key) {
        Owner owner = owners.get(ClusterSlot.of(key));
        return owner != null && owner.server.equals(server);
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

    private void tick() {
        if (closed) {
            return;
        }
        if (masters == null && System.nanoTime() - searchingSince > SEARCH.toNanos()) {
            Promise<Void> vain = firstView;
            firstView = Promise.promise();
            searchingSince = System.nanoTime();
            vain.fail(new StoreUnavailableException("no server of the cluster answers"));
        }
        boolean isDue = System.nanoTime() - lastAsked >= (doubtful ? TICK : PAUSE).toNanos();
        if (!asking && isDue) {
            asking = true;
            lastAsked = System.nanoTime();
            RedisNode server = servers.get(next++ % servers.size());
            RespConnection.open(vertx, client, server, settings, PATIENCE, PATIENCE)
                    .compose(connection -> ask(connection, server).onComplete(done -> connection.close()))
                    .onComplete(view -> {
                        asking = false;
                        if (view.succeeded()) {
                            doubtful = false;
                            failureTold = false;
                            learn(view.result());
                        } else {
                            doubtful = true;
                            tell(server, view.cause());
                        }
                    });
        }
    }

    private void tell(RedisNode server, Throwable failure) {
        if (!failureTold && !closed) {
            failureTold = true;
            LOG.warn("{} cannot tell about the cluster: {}; asking others", server, ClientFailures.reason(failure));
        }
    }

    /** Only SLOTS tells where clients find the masters, and only NODES tells their epochs. */
    private static Future<View> ask(RespConnection connection, RedisNode asked) {
        return Future.all(connection.ask("CLUSTER", "NODES"), connection.ask("CLUSTER", "SLOTS"))
                .map(answers -> view(answers.resultAt(0), answers.resultAt(1), asked));
    }

    private static View view(String nodes, List<?> ranges, RedisNode asked) {
        Map<String, Long> epochs = new HashMap<>();
        for (String line : nodes.lines().toList()) {
            String[] words = line.split(" ", -1);
            epochs.put(words[0], Long.parseLong(words[6]));
        }
        var slots = new ArrayList<Slots>();
        var servers = new LinkedHashSet<RedisNode>();
        for (Object range : ranges) {
            List<?> parts = (List<?>) range;
            List<?> master = (List<?>) parts.get(2);
            slots.add(new Slots(
                    ((Long) parts.get(0)).intValue(),
                    ((Long) parts.get(1)).intValue(),
                    node(master, asked),
                    epochs.getOrDefault(String.valueOf(master.get(2)), 0L)));
            parts.stream().skip(2).forEach(server -> servers.add(node((List<?>) server, asked)));
        }
        if (slots.isEmpty()) {
            throw new StoreUnavailableException("the cluster has no slots");
        }
        return new View(slots, servers);
    }

    private static RedisNode node(List<?> server, RedisNode asked) {
        return RedisNode.named((String) server.get(0), ((Long) server.get(1)).intValue(), asked);
    }

    private void learn(View view) {
        for (Slots slots : view.slots()) {
            var owner = new Owner(slots.master(), slots.epoch());
            for (int slot = slots.first(); slot <= slots.last(); slot++) {
                Owner before = owners.get(slot);
                if (before == null || owner.epoch >= before.epoch || isForgotten(before)) {
                    owners.set(slot, owner);
                }
            }
        }
        countMasters();
        servers.clear();
        var all = new LinkedHashSet<>(view.servers());
        all.addAll(settings.nodes());
        servers.addAll(all);
        firstView.tryComplete();
    }

    private static boolean isForgotten(Owner contradicted) {
        long now = System.nanoTime();
        contradicted.contradictedSince = Math.min(contradicted.contradictedSince, now);
        return now - contradicted.contradictedSince > MEMORY.toNanos();
    }

    private void countMasters() {
        var all = new HashSet<RedisNode>();
        for (int slot = 0; slot < ClusterSlot.COUNT; slot++) {
            Owner owner = owners.get(slot);
            if (owner != null) {
                all.add(owner.server);
            }
        }
        Future<Set<RedisNode>> before = masters;
        if (before == null || !before.result().equals(all)) {
            LOG.info("The masters of Redis are {}", all);
            masters = Future.succeededFuture(Set.copyOf(all));
            listeners.forEach(listener -> listener.accept(Set.copyOf(all)));
        }
    }
}
