package licenseserver.store;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;
import licenseserver.store.StoredLicense.Moving;
import licenseserver.store.UnwrittenEvents.Unwritten;

/**
 * The last changes of all licenses, in one stream of bounded length. A change is written there a moment after it was made,
 * many in one write, so that it costs the call nothing; what a fault loses is still in its license's own history.
 *
 * <p>The stream follows the records: the events of a license lie there under the key that it has now, and go when it is
 * deleted. For that, {@link #forget} and {@link #rename} change the stream once the record says what becomes of the license.
 * Whoever writes events watches the stream, then looks at the records, then writes. So what it writes is either there before
 * that change and found by it, or the watch fails, and it looks at the records again.
 */
final class RecentEvents {
    static final String STREAM = "recent-events";
    private static final int MAX_LENGTH = 1000;
    private static final long PAUSE_MILLIS = 100;

    private final Vertx vertx;
    private final RedisPool redis;
    private final RedisReader reader;
    private final RedisTransactions transactions;
    private final Duration timeout;
    private final UnwrittenEvents unwritten;

    RecentEvents(
            Vertx vertx,
            RedisPool redis,
            RedisReader reader,
            RedisTransactions transactions,
            Duration timeout,
            UnwrittenEvents unwritten) {
        this.vertx = vertx;
        this.redis = redis;
        this.reader = reader;
        this.transactions = transactions;
        this.timeout = timeout;
        this.unwritten = unwritten;
    }

    /** An event in the stream, and the key that its license is shown with. */
    private record Entry(String id, String key, String event) {}

    /** Takes events that were stored. */
    void add(LicenseKey key, List<String> events) {
        if (unwritten.add(key, events)) {
            writeSoon();
        }
    }

    private void writeSoon() {
        vertx.setTimer(PAUSE_MILLIS, over -> {
            List<Unwritten> batch = unwritten.take();
            if (!batch.isEmpty()) {
                write(batch).onComplete(done -> writeSoon());
            }
        });
    }

    /** Writes at once what waits; done when it is written, or failed. */
    Future<?> flush() {
        return write(unwritten.take());
    }

    private Future<?> write(List<Unwritten> batch) {
        if (batch.isEmpty()) {
            return Future.succeededFuture();
        }
        Deadline deadline = Deadline.in(timeout);
        return transactions.change(STREAM, List.of(), deadline, watched -> {
            Map<LicenseKey, Future<Optional<LicenseKey>>> known = new HashMap<>();
            List<Future<Optional<LicenseKey>>> keys = batch.stream()
                    .map(event -> known.computeIfAbsent(event.key(), key -> keyNow(key, deadline)))
                    .toList();
            return Future.all(keys).map(all -> {
                var writes = new ArrayList<Request>();
                for (int i = 0; i < batch.size(); i++) {
                    String event = batch.get(i).event();
                    keys.get(i).result().ifPresent(key -> writes.add(append(key.value(), event)));
                }
                return new Change<>(writes, true);
            });
        });
    }

    /** The key that the license with this key has now, which differs while it gets another one; empty if it is gone. */
    private Future<Optional<LicenseKey>> keyNow(LicenseKey key, Deadline deadline) {
        return reader.get(RedisKeys.record(key), deadline)
                .map(record -> StoredLicense.decode(key, record))
                .compose(stored -> {
                    License to = stored instanceof Moving moving && moving.leavesItsKey() ? moving.to() : null;
                    return to == null
                            ? Future.succeededFuture(stored.visible().map(License::key))
                            : keyNow(to.key(), deadline);
                })
                .recover(failure -> failure instanceof UnreadableLicenseException
                        ? Future.succeededFuture(Optional.empty())
                        : Future.failedFuture(failure));
    }

    /**
     * Removes the events of a license, and adds the last ones under no more than the end of its key. To be called when its record
     * says that it goes; may be repeated.
     */
    Future<Boolean> forget(LicenseKey key, List<String> last, Deadline deadline) {
        unwritten.forget(key);
        return change(deadline, entries -> Future.succeededFuture(forgetting(key, entries, last)));
    }

    private static Change<Boolean> forgetting(LicenseKey key, List<Entry> entries, List<String> last) {
        return changing(
                entries,
                entries.stream()
                        .filter(entry -> !entry.key().equals(key.value()))
                        .toList(),
                key.toString(),
                last);
    }

    /**
     * Moves the events of a license to the key that it gets, and adds the latest ones. To be called when it lies there, and before
     * the old key is free; may be repeated, and forgets the events if the license is gone by then.
     */
    Future<Boolean> rename(LicenseKey from, LicenseKey to, List<String> latest, Deadline deadline) {
        unwritten.rename(from, to);
        return change(
                deadline,
                entries -> keyNow(to, deadline)
                        .map(now -> now.map(key -> changing(
                                        entries,
                                        entries.stream()
                                                .map(entry -> entry.key().equals(from.value())
                                                        ? new Entry(entry.id(), key.value(), entry.event())
                                                        : entry)
                                                .toList(),
                                        key.value(),
                                        latest))
                                .orElseGet(() -> forgetting(from, entries, List.of()))));
    }

    private Future<Boolean> change(Deadline deadline, Function<List<Entry>, Future<Change<Boolean>>> decide) {
        return transactions.change(STREAM, List.of(all()), deadline, replies -> decide.apply(entries(replies.get(0))));
    }

    /**
     * What makes these entries, newest first, of those that are there: as an entry cannot be changed, and one that is deleted stays
     * in the stream's memory, all are written anew.
     */
    private static Change<Boolean> changing(List<Entry> before, List<Entry> after, String key, List<String> events) {
        var writes = new ArrayList<Request>();
        if (!after.equals(before)) {
            writes.add(command(Command.DEL, STREAM));
            for (int i = Math.min(after.size(), MAX_LENGTH) - 1; i >= 0; i--) {
                Entry entry = after.get(i);
                writes.add(command(Command.XADD, STREAM, entry.id(), "key", entry.key(), "event", entry.event()));
            }
        }
        for (String event : events) {
            boolean isThere = after.stream()
                    .anyMatch(entry -> entry.key().equals(key) && entry.event().equals(event));
            if (!isThere) {
                writes.add(append(key, event));
            }
        }
        return new Change<>(writes, true);
    }

    private static Request append(String key, String event) {
        return command(
                Command.XADD, STREAM, "MAXLEN", "~", String.valueOf(MAX_LENGTH), "*", "key", key, "event", event);
    }

    private static Request all() {
        return command(Command.XREVRANGE, STREAM, "+", "-");
    }

    /** Newest first. Leaves out what no server has written. */
    private static List<Entry> entries(Response stream) {
        var entries = new ArrayList<Entry>();
        for (Response entry : stream) {
            Response fields = entry.get(1);
            if (fields.size() == 4) {
                entries.add(new Entry(
                        entry.get(0).toString(),
                        fields.get(1).toString(),
                        fields.get(3).toString()));
            }
        }
        return entries;
    }

    /** The newest events, newest first. */
    Future<List<String>> newest(int most) {
        return redis.read(STREAM, Deadline.in(timeout), all())
                .map(replies -> newestFirst(
                        entries(replies.get(0)).stream()
                                .map(entry -> shown(entry.key(), entry.event()))
                                .toList(),
                        most));
    }

    /**
     * The newest of these events, by the time at which they happened: each server writes what happened at it some time later, so
     * in the stream those of several servers are mixed.
     *
     * @param events newest first as they were written, which decides among those of one millisecond
     */
    static List<String> newestFirst(List<String> events, int most) {
        Map<String, Long> times = new HashMap<>();
        events.forEach(event -> times.computeIfAbsent(event, RecentEvents::time));
        return events.stream()
                .sorted(Comparator.comparing(times::get, Comparator.reverseOrder()))
                .limit(most)
                .toList();
    }

    private static long time(String event) {
        try {
            return new JsonObject(event).getValue("at") instanceof Number at ? at.longValue() : 0;
        } catch (DecodeException e) {
            return 0;
        }
    }

    /** An event with the key of its license before all else. */
    static String shown(String key, String event) {
        return "{\"key\":" + Json.encode(key) + "," + event.substring(1);
    }
}
