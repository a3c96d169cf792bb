package licenseserver.event;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Stream;
import licenseserver.event.Outbox.Entries;
import licenseserver.event.Outbox.Entry;
import licenseserver.license.LicenseKey;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.StoreUnavailableException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells subscribers what the {@link Outbox} holds, and then removes it from there.
 *
 * <p>A server tells of its own changes at once. What stays in the outbox for more than half a second is told again by
 * the sweep: a server died before it had told it, or a subscriber failed, or it belongs to a move. Moves stay on
 * purpose: by then all servers have written what they had in memory about the license that moved or is gone.
 */
public final class Pump {
    private static final Logger LOG = LoggerFactory.getLogger(Pump.class);

    /** Long enough that many changes share the cost. Calls that show a view do not wait so long: they flush. */
    private static final long PAUSE_MILLIS = 50;

    private static final long AGE_MILLIS = 500;

    /** The server that has set it sweeps; the others leave it alone. */
    private static final String LEASE = "outbox-lease";

    private static final Duration LEASE_TIME = Duration.ofSeconds(5);

    private static final String SCANNED_AT_ONCE = "200";

    /** In a cluster, all are looked at within sixteen seconds, at the cost of a thousand tiny commands per second. */
    private static final int OUTBOXES_AT_ONCE = 512;

    private final Vertx vertx;
    private final Context context;
    private final RedisPool redis;
    private final Outbox outbox;
    private final Duration timeout;
    private final List<Subscriber> subscribers = new ArrayList<>();
    private final String sweeper = UUID.randomUUID().toString();
    private int next;
    private boolean isSweeping;
    private volatile boolean isClosed;

    /**
     * A pump on the current event loop.
     *
     * @param outbox shared by the whole process
     * @param timeout the longest time that a step in Redis takes
     */
    public Pump(Vertx vertx, RedisPool redis, Outbox outbox, Duration timeout) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.redis = redis;
        this.outbox = outbox;
        this.timeout = timeout;
    }

    /** Adds subscribers, which are told in the order in which they were added. Call it before anything happens. */
    public void add(List<Subscriber> more) {
        subscribers.addAll(more);
    }

    /** Tells subscribers in a moment of a change that is stored, and then removes it from the outbox. */
    public void tell(Entries entries) {
        tellSoon(entries.all());
    }

    /**
     * Tells subscribers in a moment of a move that is complete. The sweep tells it once more, and removes it from the
     * outbox.
     *
     * @param events what happened to the license with this key; may be empty
     */
    public void tellMoved(LicenseKey key, List<String> events) {
        Stream<Happened> happened = events.isEmpty()
                ? Stream.of(new Happened(key, null, true))
                : events.stream().map(event -> new Happened(key, event, true));
        tellSoon(happened.map(each -> new Entry("", null, each)).toList());
    }

    private void tellSoon(List<Entry> entries) {
        if (outbox.add(entries)) {
            vertx.setTimer(PAUSE_MILLIS, over -> flush());
        }
    }

    /**
     * Tells subscribers now of everything that this process has changed so far. If that fails, the sweep does it later.
     *
     * @return completes when it is done; fails if a subscriber fails
     */
    public Future<?> flush() {
        return inTurn(() -> {
            List<Entry> entries = outbox.take();
            return entries.isEmpty() ? Future.succeededFuture() : told(entries).compose(all -> remove(entries));
        });
    }

    /** Subscribers are told by one pump of this process at a time, so that they do not get in each other's way. */
    private Future<?> inTurn(Supplier<Future<?>> telling) {
        Promise<Void> done = Promise.promise();
        outbox.line(done.future())
                .onComplete(before -> context.runOnContext(
                        turn -> telling.get().<Void>mapEmpty().onComplete(done)));
        return done.future();
    }

    /** Tells all subscribers, even if one fails. */
    private Future<?> told(List<Entry> entries) {
        List<Happened> happened = entries.stream().map(Entry::happened).toList();
        var results = new ArrayList<Future<Void>>();
        Future<Void> last = Future.succeededFuture();
        for (Subscriber subscriber : subscribers) {
            last = last.transform(before -> subscriber.tell(happened).<Void>mapEmpty())
                    .onFailure(Pump::log);
            results.add(last);
        }
        return Future.join(results);
    }

    private static void log(Throwable failure) {
        if (!(failure instanceof StoreUnavailableException)) {
            LOG.error("A change could not be told onward and will be again", failure);
        }
    }

    private Future<?> remove(List<Entry> entries) {
        Map<String, Request> removals = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (entry.id() != null) {
                removals.computeIfAbsent(entry.outbox(), name -> command(Command.HDEL, name))
                        .arg(entry.id());
            }
        }
        return redis.byServer(removals.keySet())
                .compose(groups -> Future.join(groups.stream()
                        .map(group -> redis.change(
                                group.get(0),
                                Deadline.in(timeout),
                                group.stream().map(removals::get).toArray(Request[]::new)))
                        .toList()));
    }

    /** Sweeps from now on, unless another pump of this process does. */
    public void sweepFromNowOn() {
        if (outbox.claimsSweep()) {
            vertx.setPeriodic(AGE_MILLIS, tick -> {
                if (!isSweeping && !isClosed) {
                    isSweeping = true;
                    sweep().onComplete(swept -> isSweeping = false);
                }
            });
        }
    }

    /**
     * Tells subscribers what was left in the outbox: in all of it or, in a cluster, in the next part of it.
     *
     * @return completes when it is done, or when another server is sweeping; fails if a subscriber or Redis fails
     */
    public Future<?> sweep() {
        int from = next;
        int to = Math.min(from + OUTBOXES_AT_ONCE, outbox.count());
        next = to == outbox.count() ? 0 : to;
        Deadline end = Deadline.in(LEASE_TIME);
        return redis.byServer(outbox.names(from, to))
                .compose(groups -> Future.join(
                        groups.stream().map(names -> sweep(names, end)).toList()));
    }

    /** Sweeps outboxes that are on one server. */
    private Future<?> sweep(List<String> names, Deadline end) {
        Request[] scans = names.stream().map(name -> scan(name, "0")).toArray(Request[]::new);
        return redis.read(names.get(0), Deadline.in(timeout), scans).compose(pages -> {
            Future<?> swept = Future.succeededFuture();
            for (int i = 0; i < pages.size(); i++) {
                String name = names.get(i);
                Response page = pages.get(i);
                swept = swept.compose(before -> sweep(name, page, end));
            }
            return swept;
        });
    }

    private static Request scan(String name, String cursor) {
        return command(Command.HSCAN, name, cursor, "COUNT", SCANNED_AT_ONCE);
    }

    private Future<?> sweep(String name, Response page, Deadline end) {
        long now = System.currentTimeMillis();
        List<Entry> left = entries(name, page).stream()
                .filter(entry -> Math.abs(now - time(entry)) > AGE_MILLIS)
                .toList();
        Future<?> swept = left.isEmpty()
                ? Future.succeededFuture()
                : hasLease().compose(has -> has ? told(left).compose(told -> remove(left)) : Future.succeededFuture());
        String cursor = page.get(0).toString();
        return cursor.equals("0") || end.isOver()
                ? swept
                : swept.compose(before -> redis.read(name, Deadline.in(timeout), scan(name, cursor)))
                        .compose(pages -> sweep(name, pages.get(0), end));
    }

    /** What no server has written concerns no license, and is removed like the rest. */
    private static final Happened NOTHING = new Happened(new LicenseKey(""), null, true);

    private static List<Entry> entries(String name, Response page) {
        var entries = new ArrayList<Entry>();
        Response fields = page.get(1);
        for (int i = 0; i + 1 < fields.size(); i += 2) {
            entries.add(new Entry(
                    name,
                    fields.get(i).toString(),
                    Happened.decode(fields.get(i + 1).toString()).orElse(NOTHING)));
        }
        return entries;
    }

    /** When the entry was made, by the clock of the server that made it. */
    private static long time(Entry entry) {
        String id = String.valueOf(entry.id());
        int end = id.indexOf('-');
        try {
            return Long.parseLong(end < 0 ? id : id.substring(0, end));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private Future<Boolean> hasLease() {
        return redis.change(
                        LEASE,
                        Deadline.in(timeout),
                        command(Command.SET, LEASE, sweeper, "NX", "PX", String.valueOf(LEASE_TIME.toMillis())),
                        command(Command.GET, LEASE))
                .map(replies ->
                        replies.get(1) != null && replies.get(1).toString().equals(sweeper));
    }

    /**
     * The events of a license that may not have been told yet.
     *
     * @param record the key of Redis that its transactions watch
     */
    public Future<List<String>> untold(LicenseKey key, String record, Deadline deadline) {
        return untold(key, outbox.name(record), "0", deadline);
    }

    private Future<List<String>> untold(LicenseKey key, String name, String cursor, Deadline deadline) {
        return redis.read(name, deadline, scan(name, cursor)).compose(pages -> {
            Response page = pages.get(0);
            var events = new ArrayList<String>();
            for (Entry entry : entries(name, page)) {
                String event = entry.happened().json();
                if (event != null && entry.happened().key().equals(key)) {
                    events.add(event);
                }
            }
            String following = page.get(0).toString();
            if (following.equals("0")) {
                return Future.succeededFuture(List.copyOf(events));
            }
            return untold(key, name, following, deadline).map(more -> {
                events.addAll(more);
                return List.copyOf(events);
            });
        });
    }

    /** Tells what waits to be told, and sweeps no more. */
    public Future<?> close() {
        isClosed = true;
        return flush();
    }
}
