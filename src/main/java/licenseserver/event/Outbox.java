package licenseserver.event;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import licenseserver.license.LicenseKey;
import licenseserver.redis.ClusterSlot;
import licenseserver.redis.RedisContent;
import licenseserver.redis.RedisRight;
import org.jspecify.annotations.Nullable;

/**
 * Holds in Redis what has happened until all subscribers were told. The transaction that changes a license adds to it,
 * so nothing is lost if the server dies after that. The {@link Pump}s of all servers empty it.
 *
 * <p>It is a hash, whose fields are names that no other entry has. In a cluster there is one for each slot, because a
 * transaction must stay within a slot. One outbox serves the whole process and may be used from any thread.
 */
public final class Outbox {
    /** The rights that it needs. */
    public static final RedisContent CONTENT = () -> List.of(
            RedisRight.of("outbox*", "HSET", "", ""),
            RedisRight.of("outbox*", "HDEL", ""),
            RedisRight.of("outbox*", "HSCAN", "0"),
            RedisRight.of("outbox*", "SET", ""),
            RedisRight.of("outbox*", "GET"));

    /** What more would have to wait is left in Redis, for the sweep. */
    private static final int MAX_WAITING = 5000;

    private static final String NAME = "outbox";

    private final int[] tags;
    private final String process = UUID.randomUUID().toString().substring(0, 8);
    private final AtomicLong counter = new AtomicLong();
    private final AtomicBoolean isSwept = new AtomicBoolean();
    private List<Entry> waiting = new ArrayList<>();
    private boolean isScheduled;
    private Future<?> underWay = Future.succeededFuture();

    /**
     * An outbox. Takes a moment in a cluster, so do not make it on an event loop.
     *
     * @param isCluster whether Redis is a cluster
     */
    public Outbox(boolean isCluster) {
        tags = isCluster ? ClusterSlot.tags() : new int[0];
    }

    /**
     * Something that happened, and where Redis has it.
     *
     * @param outbox the name of the hash
     * @param id the name of the field; null if the sweep is to remove it
     */
    record Entry(String outbox, @Nullable String id, Happened happened) {}

    /** Entries for the changes of one transaction. */
    public static final class Entries {
        private final String outbox;
        private final List<Entry> entries;

        private Entries(String outbox, List<Entry> entries) {
            this.outbox = outbox;
            this.entries = entries;
        }

        /** The command that adds them, for the transaction. */
        public Request adding() {
            Request add = Request.cmd(Command.HSET).arg(outbox);
            entries.forEach(entry -> add.arg(entry.id()).arg(entry.happened().encode()));
            return add;
        }

        List<Entry> all() {
            return entries;
        }
    }

    /**
     * Makes entries for a change of a license.
     *
     * @param key the key of the license
     * @param record the key of Redis that the transaction watches
     * @param events as the history has them; if there are none, the entry only says that the license may have changed
     */
    public Entries entries(LicenseKey key, String record, List<String> events) {
        String outbox = name(record);
        Stream<Happened> happened = events.isEmpty()
                ? Stream.of(new Happened(key, null, false))
                : events.stream().map(event -> new Happened(key, event, false));
        return new Entries(
                outbox, happened.map(each -> new Entry(outbox, nextId(), each)).toList());
    }

    /** Begins with the time, so that the sweep leaves alone what is new. */
    private String nextId() {
        return System.currentTimeMillis() + "-" + process + "-" + counter.incrementAndGet();
    }

    /** The outbox in the slot of a record. */
    String name(String record) {
        return tags.length == 0 ? NAME : name(tags[ClusterSlot.of(record)]);
    }

    private static String name(int tag) {
        return NAME + ":{" + tag + "}";
    }

    /** How many outboxes there are in Redis. */
    int count() {
        return Math.max(1, tags.length);
    }

    /** The names of some of the outboxes. */
    List<String> names(int from, int to) {
        return tags.length == 0
                ? List.of(NAME)
                : IntStream.range(from, to).mapToObj(slot -> name(tags[slot])).toList();
    }

    /** True for the first caller, which then sweeps for the whole process. */
    boolean claimsSweep() {
        return isSwept.compareAndSet(false, true);
    }

    /**
     * Lets entries wait until subscribers are told.
     *
     * @return whether the caller must see to it that they are
     */
    synchronized boolean add(List<Entry> entries) {
        if (waiting.size() < MAX_WAITING) {
            waiting.addAll(entries);
        }
        boolean isFirst = !isScheduled;
        isScheduled = true;
        return isFirst;
    }

    synchronized List<Entry> take() {
        List<Entry> taken = waiting;
        waiting = new ArrayList<>();
        isScheduled = false;
        return taken;
    }

    /** Takes the next place in the line of those who tell the subscribers; returns the one before. */
    synchronized Future<?> line(Future<?> next) {
        Future<?> before = underWay;
        underWay = next;
        return before;
    }
}
