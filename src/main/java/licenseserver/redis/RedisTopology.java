package licenseserver.redis;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Knows which server of Redis has a key now and may write it. There is one for the whole process; its methods may be
 * called from any thread. A future that it returns is complete at once if the answer is known. Else it completes
 * within a bounded time, or fails with {@link StoreUnavailableException}.
 */
public interface RedisTopology {
    /** The master that has the key. */
    Future<RedisNode> serverOf(String key);

    /** All masters. No other server may be written to. */
    Future<Set<RedisNode>> masters();

    /** Takes note that a server did not answer, or said that another one must be asked. */
    void doubt(RedisNode server);

    /** Takes note that, as a server of a cluster said, this slot is at another server from now on. */
    void moved(int slot, RedisNode to);

    /** Tells whether these servers still hold the data that this process has seen in them. */
    StoreIdentity identity();

    /**
     * The listeners that are told all masters each time they change, on any thread, so that nothing waits for a
     * server that is not a master any more. A listener adds itself to this list, and removes itself when it is
     * closed.
     */
    List<Consumer<Set<RedisNode>>> listeners();

    /** Stops watching the servers, and closes all connections. */
    void close();

    /**
     * The topology that the settings describe. Call it on an event loop, and {@link #close} the topology in the end.
     */
    static RedisTopology of(Vertx vertx, RedisSettings settings) {
        return switch (settings.kind()) {
            case STANDALONE -> single(settings.nodes().get(0));
            case SENTINEL -> new SentinelTopology(vertx, settings);
            case CLUSTER -> new ClusterTopology(vertx, settings);
        };
    }

    /** The topology of a single server, which always has all keys. */
    static RedisTopology single(RedisNode server) {
        Future<RedisNode> known = Future.succeededFuture(server);
        Future<Set<RedisNode>> masters = Future.succeededFuture(Set.of(server));
        StoreIdentity identity = StoreIdentity.ofOneServer();
        var listeners = new CopyOnWriteArrayList<Consumer<Set<RedisNode>>>();
        return new RedisTopology() {
            @Override
            public Future<RedisNode> serverOf(String key) {
                return known;
            }

            @Override
            public Future<Set<RedisNode>> masters() {
                return masters;
            }

            @Override
            public void doubt(RedisNode doubted) {}

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
            public void close() {}
        };
    }
}
