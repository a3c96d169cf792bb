package licenseserver.store;

import io.vertx.core.Future;
import java.util.Set;

/**
 * Knows which server of Redis has a key now, and may write it. One for the whole process; its methods may be called from any
 * thread.
 */
public interface RedisTopology {
    /** The master that has the key; complete at once where it is known. Fails with {@link StoreUnavailableException}. */
    Future<RedisNode> serverOf(String key);

    /** Takes note that a server did not answer, or said that it is not, or no longer, the one to ask. */
    void doubt(RedisNode server);

    /** Takes note that a server of a cluster said where a slot is now. */
    void moved(int slot, RedisNode to);

    /** All masters. */
    Future<Set<RedisNode>> masters();

    /** A single server: it has all keys, whatever happens. */
    static RedisTopology single(RedisNode server) {
        Future<RedisNode> known = Future.succeededFuture(server);
        Future<Set<RedisNode>> masters = Future.succeededFuture(Set.of(server));
        return new RedisTopology() {
            @Override
            public Future<RedisNode> serverOf(String key) {
                return known;
            }

            @Override
            public void doubt(RedisNode doubted) {}

            @Override
            public void moved(int slot, RedisNode to) {}

            @Override
            public Future<Set<RedisNode>> masters() {
                return masters;
            }
        };
    }
}
