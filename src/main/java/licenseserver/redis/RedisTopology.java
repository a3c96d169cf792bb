package licenseserver.redis;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Knows which server of Redis has a key now, and may write it. One for the whole process; its methods may be called from any
 * thread. What it gives is complete at once where it is known, and fails with {@link StoreUnavailableException}, after a bounded
 * time, where it is not.
 */
public interface RedisTopology {
    /** The master that has the key. */
    Future<RedisNode> serverOf(String key);

    /** All masters. A server that is not among them must not be written to. */
    public Future<Set<RedisNode>> masters();

    /** Takes note that a server did not answer, or said that it is not, or no longer, the one to ask. */
    public void doubt(RedisNode server);

    /** Takes note that a server of a cluster said where a slot is now. */
    void moved(int slot, RedisNode to);

    /** Whether these servers still hold the data that this process has seen in them. */
    public StoreIdentity identity();

    /**
     * Who is told the masters each time that they have changed, on any thread: whoever waits for a server that is not a master any
     * more would do so in vain. Whoever adds itself removes itself in the end.
     */
    List<Consumer<Set<RedisNode>>> listeners();

    /** Stops looking. */
    void close();

    /** The topology that the settings describe. */
    public static RedisTopology of(Vertx vertx, RedisSettings settings) {
        return switch (settings.kind()) {
            case STANDALONE -> single(settings.nodes().get(0));
            case SENTINEL -> new SentinelTopology(vertx, settings);
            case CLUSTER -> new ClusterTopology(vertx, settings);
        };
    }

    /** A single server: it has all keys, whatever happens. */
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
