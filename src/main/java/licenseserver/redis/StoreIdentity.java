package licenseserver.redis;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells whether Redis still holds the data that this process has seen in it. A Redis that was restarted without its
 * files answers as fast as ever, and would say that nothing that anybody asks for exists.
 *
 * <p>The identity is a random text in Redis itself. The first write of any server creates it, and every server
 * remembers it as soon as it has seen it. A restart of Redis breaks all connections, so each new connection must show
 * the identity before it is used for anything else. If the identity is gone, or is another one, nothing is read or
 * written until it is back. {@link RedisMonitor} also looks at it twice per second: so it notices within half a
 * second if a person types FLUSHALL, which breaks no connection, and if the data is back.
 *
 * <p>In a cluster each master has data of its own, so there is one copy for every {@value #SLOTS_PER_COPY} slots. A
 * slot that moves to another master takes its copy along. The first copy leads: it is written first, as a draft, so
 * that servers that write at the same time agree, and written again when all others are there. From then on a missing
 * copy means lost data.
 *
 * <p>There is one for the whole process; it may be used from any thread.
 */
public final class StoreIdentity {
    private static final String KEY = "store-identity";
    private static final int SLOTS_PER_COPY = 64;
    private static final String DRAFT = "draft:";
    private static final int BYTES = 16;

    /** Long, because a slow machine is still loading the classes of this program at the start. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** How messages about lost data begin. */
    static final String LOST = "Redis has lost its data";

    private final List<String> keys;
    private final BiPredicate<RedisNode, String> isAt;
    private volatile @Nullable String known;
    private volatile @Nullable RedisNode lostAt;
    private volatile Supplier<Future<Void>> maker = Future::succeededFuture;

    private StoreIdentity(List<String> keys, BiPredicate<RedisNode, String> isAt) {
        this.keys = keys;
        this.isAt = isAt;
    }

    /** The identity of a Redis in which one server has all keys. */
    static StoreIdentity ofOneServer() {
        return new StoreIdentity(List.of(KEY), (server, key) -> true);
    }

    /**
     * The identity of a cluster.
     *
     * @param isAt whether a server is the master that has a key, as far as that is known
     */
    static StoreIdentity ofCluster(BiPredicate<RedisNode, String> isAt) {
        var keys = new String[ClusterSlot.COUNT / SLOTS_PER_COPY];
        int missing = keys.length;
        for (int tag = 0; missing > 0; tag++) {
            String key = KEY + ":{" + tag + "}";
            int place = ClusterSlot.of(key) / SLOTS_PER_COPY;
            if (keys[place] == null) {
                keys[place] = key;
                missing--;
            }
        }
        return new StoreIdentity(List.of(keys), isAt);
    }

    /** The key of the copy that is written first. */
    String firstKey() {
        return keys.get(0);
    }

    /** Whether the identity that this process knew is gone, or is another one now. */
    boolean isLost() {
        return lostAt != null;
    }

    /** The server on which data is missing; null if none is missing. */
    @Nullable
    RedisNode lostAt() {
        return lostAt;
    }

    /** The failure of every call while the data is lost. */
    static StoreUnavailableException loss() {
        return new StoreUnavailableException(LOST);
    }

    /** The key that a server must have before it is used; null if there is none. */
    @Nullable
    String keyAt(RedisNode server) {
        if (known == null) {
            return null;
        }
        // Another one each time, because a copy cannot be read while its slot moves to another master.
        int first = ThreadLocalRandom.current().nextInt(keys.size());
        for (int i = 0; i < keys.size(); i++) {
            String key = keys.get((first + i) % keys.size());
            if (isAt.test(server, key)) {
                return key;
            }
        }
        return null;
    }

    /**
     * Checks that a connection that was just opened shows the identity.
     *
     * @return the connection; if the identity is gone, is another one, or cannot be read, fails with
     *     {@link StoreUnavailableException} and closes the connection
     */
    public Future<RespConnection> verified(RedisNode server, RespConnection connection) {
        String key = keyAt(server);
        return key == null
                ? Future.succeededFuture(connection)
                : connection
                        .ask("GET", key)
                        .compose(reply -> verify(server, reply == null ? null : String.valueOf(reply)))
                        .map(connection)
                        .onFailure(refused -> connection.close());
    }

    /**
     * Compares what a server has under {@link #keyAt} with the identity.
     *
     * @param found null if the server has no value there
     * @return fails with {@link StoreUnavailableException} if it is not the identity
     */
    Future<Void> verify(RedisNode server, @Nullable String found) {
        if (Objects.equals(found, known)) {
            return Future.succeededFuture();
        }
        lostAt = server;
        return Future.failedFuture(loss());
    }

    /**
     * Must be called before anything is written: creates the identity if there is none yet.
     *
     * @return fails with {@link StoreUnavailableException} if it cannot be created, or if data was lost
     */
    Future<Void> beforeWrite() {
        if (isLost()) {
            return Future.failedFuture(loss());
        }
        return known == null ? maker.get() : Future.succeededFuture();
    }

    /** Sets who creates the identity if there is none. Without a maker, writes go on without an identity. */
    void madeBy(Supplier<Future<Void>> maker) {
        this.maker = maker;
    }

    /** Reads all copies, learns the identity from them, and finds out whether data was lost or is back. */
    Future<Void> look(RedisPool redis, Collection<RedisNode> masters, Deadline deadline) {
        return read(redis, masters, deadline).onSuccess(this::judge).mapEmpty();
    }

    /**
     * The copies that were read.
     *
     * @param found the value of each key that could be read; empty if there is none
     * @param places the server of each key
     */
    private record Copies(Map<String, Optional<String>> found, Map<String, RedisNode> places) {}

    private Future<Copies> read(RedisPool redis, Collection<RedisNode> masters, Deadline deadline) {
        var found = new ConcurrentHashMap<String, Optional<String>>();
        var places = new HashMap<String, RedisNode>();
        var reads = new ArrayList<Future<?>>();
        for (RedisNode master : masters) {
            List<String> there =
                    keys.stream().filter(key -> isAt.test(master, key)).toList();
            if (!there.isEmpty()) {
                there.forEach(key -> places.put(key, master));
                Request[] gets =
                        there.stream().map(key -> command(Command.GET, key)).toArray(Request[]::new);
                reads.add(redis.askAt(master, deadline, gets).onSuccess(replies -> {
                    for (int i = 0; i < gets.length; i++) {
                        found.put(there.get(i), RedisCommands.text(replies.get(i)));
                    }
                }));
            }
        }
        return Future.join(reads).map(all -> new Copies(found, places)).otherwise(new Copies(found, places));
    }

    private synchronized void judge(Copies copies) {
        Map<String, Optional<String>> found = copies.found();
        String identity = known == null ? learned(found) : known;
        if (identity == null) {
            return;
        }
        known = identity;
        Optional<String> wrong = found.keySet().stream()
                .filter(key -> !Optional.of(identity).equals(found.get(key)))
                .findFirst();
        if (wrong.isPresent()) {
            lostAt = copies.places().get(wrong.get());
        } else if (found.size() == keys.size()) {
            lostAt = null;
        }
    }

    /** The identity that the copies show; null if there is none yet, or if they cannot show it. */
    private @Nullable String learned(Map<String, Optional<String>> found) {
        Optional<String> first = found.get(firstKey());
        List<Optional<String>> distinct = found.values().stream().distinct().toList();
        if (first == null) {
            // The first copy may be a draft. Then other copies are probably missing, too.
            return distinct.size() == 1 ? distinct.get(0).orElse(null) : null;
        }
        String value = first.orElse("");
        if (!value.isEmpty() && !value.startsWith(DRAFT)) {
            return value;
        }
        // Copies that do not match the draft belong to a store whose first copy was lost.
        return distinct.stream()
                .flatMap(Optional::stream)
                .filter(other -> !other.equals(value) && !(DRAFT + other).equals(value))
                .findFirst()
                .orElse(null);
    }

    /**
     * Creates the identity, unless another server has done so, or finishes what another server has begun.
     *
     * @param masters all masters
     * @return fails with {@link StoreUnavailableException} if any copy could not be written
     */
    Future<Void> make(RedisPool redis, Collection<RedisNode> masters, Deadline deadline) {
        if (known != null) {
            return Future.succeededFuture();
        }
        boolean isWhole = keys.size() == 1;
        String candidate = (isWhole ? "" : DRAFT) + random();
        return write(redis, masters, deadline, List.of(firstKey()), candidate, "NX")
                .compose(written -> masterOf(firstKey(), masters)
                        .compose(master -> redis.askAt(master, deadline, command(Command.GET, firstKey()))))
                .compose(replies -> {
                    String first = RedisCommands.text(replies.get(0)).orElse("");
                    if (first.isEmpty()) {
                        return Future.failedFuture(new StoreUnavailableException("the identity of the store is gone"));
                    }
                    if (!first.startsWith(DRAFT)) {
                        // The next look tells whether the other copies are there.
                        return isWhole
                                ? Future.succeededFuture(first)
                                : look(redis, masters, deadline).map(first);
                    }
                    String identity = first.substring(DRAFT.length());
                    return write(redis, masters, deadline, keys.subList(1, keys.size()), identity, "NX")
                            .compose(written -> read(redis, masters, deadline))
                            .compose(copies -> areAll(copies, first, identity)
                                    ? write(redis, masters, deadline, List.of(firstKey()), identity)
                                    : Future.failedFuture(loss()))
                            .map(identity);
                })
                .compose(this::adopt);
    }

    /** Whether all copies are there; the first one may still be the draft, or already the identity. */
    private boolean areAll(Copies copies, String draft, String identity) {
        return copies.found().size() == keys.size()
                && copies.found().values().stream()
                        .allMatch(value -> value.equals(Optional.of(identity)) || value.equals(Optional.of(draft)));
    }

    private synchronized Future<Void> adopt(String identity) {
        if (known == null) {
            known = identity;
        }
        return isLost() || !identity.equals(known) ? Future.failedFuture(loss()) : Future.succeededFuture();
    }

    private static String random() {
        byte[] bytes = new byte[BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private Future<RedisNode> masterOf(String key, Collection<RedisNode> masters) {
        return masters.stream()
                .filter(master -> isAt.test(master, key))
                .findFirst()
                .map(Future::succeededFuture)
                .orElseGet(
                        () -> Future.failedFuture(new StoreUnavailableException("no server has the slot of " + key)));
    }

    private Future<?> write(
            RedisPool redis,
            Collection<RedisNode> masters,
            Deadline deadline,
            List<String> written,
            String value,
            String... options) {
        var changes = new HashMap<RedisNode, List<Request>>();
        for (String key : written) {
            Future<RedisNode> master = masterOf(key, masters);
            if (master.failed()) {
                return master;
            }
            Request set = command(Command.SET, key, value);
            for (String option : options) {
                set.arg(option);
            }
            changes.computeIfAbsent(master.result(), added -> new ArrayList<>()).add(set);
        }
        return Future.all(changes.entrySet().stream()
                .map(change -> keys.size() == 1
                        // The change that follows waits for replicas, and they have this one by then, too.
                        ? redis.askAt(
                                change.getKey(), deadline, change.getValue().toArray(Request[]::new))
                        : redis.changeAt(change.getKey(), deadline, change.getValue()))
                .toList());
    }

    /**
     * Learns the identity, or creates it, and compares it with the one that a data folder remembers.
     *
     * @param remembered null if the folder remembers none
     * @return the identity; empty if one is remembered and Redis has another one or none; fails with {@link
     *     StoreUnavailableException} if Redis does not answer
     */
    public Future<Optional<String>> settle(
            Vertx vertx, RedisSettings settings, RedisTopology topology, @Nullable String remembered) {
        var redis = new RedisPool(vertx, settings, topology, PATIENCE, 1);
        Deadline deadline = Deadline.in(PATIENCE);
        return topology.masters()
                .compose(masters -> masterOf(firstKey(), masters)
                        .compose(master -> redis.askAt(master, deadline, command(Command.GET, firstKey())))
                        .compose(replies -> {
                            boolean isAnother = remembered != null
                                    && !RedisCommands.text(replies.get(0)).equals(Optional.of(remembered));
                            return isAnother
                                    ? Future.succeededFuture(Optional.<String>empty())
                                    : make(redis, masters, deadline).map(made -> Optional.ofNullable(known));
                        }))
                .eventually(redis::close);
    }
}
