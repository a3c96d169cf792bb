package licenseserver.redis;

import io.vertx.core.Future;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A topology with one master, which a test can say is another one by now. */
public final class OneMaster implements RedisTopology {
    private final List<Consumer<Set<RedisNode>>> listeners = new CopyOnWriteArrayList<>();
    private final StoreIdentity identity = StoreIdentity.ofOneServer();
    private volatile RedisNode master;

    public OneMaster(RedisNode master) {
        this.master = master;
    }

    public void isNow(RedisNode other) {
        master = other;
        listeners.forEach(listener -> listener.accept(Set.of(other)));
    }

    @Override
    public Future<RedisNode> serverOf(String key) {
        return Future.succeededFuture(master);
    }

    @Override
    public Future<Set<RedisNode>> masters() {
        return Future.succeededFuture(Set.of(master));
    }

    @Override
    public void doubt(RedisNode server) {}

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
}
