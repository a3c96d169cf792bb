package licenseserver.store;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Future;
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
import licenseserver.event.Happened;
import licenseserver.event.Subscriber;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;
import licenseserver.store.StoredLicense.Moving;

/**
 * Keeps the latest changes of all licenses in one stream of limited length. A change is added a moment after it was
 * made, together with others, so that the call does not wait for it.
 *
 * <p>The stream follows the records: the events of a license are listed under its present key, and go when it is
 * deleted. {@link #forget} and {@link #rename} see to that, after the record says what becomes of the license. A
 * server that adds events watches the stream first, then reads the records, then writes. So its events are either in
 * the stream before {@link #forget} or {@link #rename} reads it, or the watch fails and the server reads the records
 * again.
 *
 * <p>An event that the sweep adds may already be there, if a server died before it could say so, or if it was only slow.
 * The sweep looks for it first. If the slow server then adds it once more, readers see only one of the two.
 */
final class RecentEvents implements Subscriber {
    static final String STREAM = "recent-events";
    private static final int MAX_LENGTH = 1000;

    private final RedisPool redis;
    private final RedisReader reader;
    private final RedisTransactions transactions;
    private final Duration timeout;

    RecentEvents(RedisPool redis, RedisReader reader, RedisTransactions transactions, Duration timeout) {
        this.redis = redis;
        this.reader = reader;
        this.transactions = transactions;
        this.timeout = timeout;
    }

    /** An event in the stream, with the key under which it is listed. */
    private record Entry(String id, String key, String event) {
        boolean isSameAs(Entry other) {
            return key.equals(other.key) && event.equals(other.event);
        }
    }

    /**
     * Adds events under the present keys of their licenses. If they may be there already, also makes the whole stream
     * say of these licenses what their records say.
     */
    @Override
    public Future<?> tell(List<Happened> happened) {
        Deadline deadline = Deadline.in(timeout);
        return happened.stream().anyMatch(Happened::mayBeRepeated)
                ? change(
                        deadline,
                        entries -> keysNow(happened, deadline).map(keysNow -> following(entries, happened, keysNow)))
                : transactions.change(
                        STREAM,
                        List.of(),
                        deadline,
                        watched -> keysNow(happened, deadline)
                                .map(keysNow -> new Change<>(
                                        events(happened, keysNow).stream()
                                                .map(entry -> append(entry.key(), entry.event()))
                                                .toList(),
                                        true)));
    }

    private static Change<Boolean> following(
            List<Entry> entries, List<Happened> happened, Map<LicenseKey, Optional<LicenseKey>> keysNow) {
        var after = new ArrayList<Entry>();
        for (Entry entry : entries) {
            var key = new LicenseKey(entry.key());
            keysNow.getOrDefault(key, Optional.of(key))
                    .ifPresent(now -> after.add(new Entry(entry.id(), now.value(), entry.event())));
        }
        return changing(entries, after, events(happened, keysNow));
    }

    /** The events to add, each with the present key of its license; those of licenses that are gone are left out. */
    private static List<Entry> events(List<Happened> happened, Map<LicenseKey, Optional<LicenseKey>> keysNow) {
        var events = new ArrayList<Entry>();
        for (Happened each : happened) {
            String event = each.json();
            if (event != null) {
                keysNow.getOrDefault(each.key(), Optional.empty())
                        .ifPresent(now -> events.add(new Entry("*", now.value(), event)));
            }
        }
        return events;
    }

    private Future<Map<LicenseKey, Optional<LicenseKey>>> keysNow(List<Happened> happened, Deadline deadline) {
        Map<LicenseKey, Future<Optional<LicenseKey>>> keysNow = new HashMap<>();
        happened.forEach(each -> keysNow.computeIfAbsent(each.key(), key -> keyNow(key, deadline)));
        return Future.all(List.copyOf(keysNow.values())).map(all -> {
            Map<LicenseKey, Optional<LicenseKey>> known = new HashMap<>();
            keysNow.forEach((key, now) -> known.put(key, now.result()));
            return known;
        });
    }

    /**
     * Returns the present key of the license, which differs while it gets another one; empty if the license is gone.
     */
    private Future<Optional<LicenseKey>> keyNow(LicenseKey key, Deadline deadline) {
        return reader.get(RedisKeys.record(key), deadline)
                .map(record -> StoredLicense.decode(key, record))
                .compose(stored -> {
                    if (stored instanceof Moving moving && moving.leavesItsKey() && moving.to() != null) {
                        // Before it arrives it has its old key only. Later, rename takes along what is listed there.
                        return keyNow(moving.to().key(), deadline)
                                .map(now -> now.isPresent() || moving.hasArrived() ? now : Optional.of(key));
                    }
                    return Future.succeededFuture(stored.visible().map(License::key));
                })
                .recover(failure -> failure instanceof UnreadableLicenseException
                        ? Future.succeededFuture(Optional.empty())
                        : Future.failedFuture(failure));
    }

    /**
     * Removes the events of a license, and adds the last ones under the end of its key only. Call it after the record
     * says that the license is removed. May be repeated.
     */
    Future<Boolean> forget(LicenseKey key, List<String> last, Deadline deadline) {
        return change(deadline, entries -> Future.succeededFuture(forgetting(key, entries, last)));
    }

    private static Change<Boolean> forgetting(LicenseKey key, List<Entry> entries, List<String> last) {
        return changing(
                entries,
                entries.stream()
                        .filter(entry -> !entry.key().equals(key.value()))
                        .toList(),
                under(key.toString(), last));
    }

    /**
     * Moves the events of a license to its new key, and adds the latest ones. Call it after the license is stored
     * under the new key and before the old key is free. May be repeated. If the license is gone by then, its events
     * are removed.
     */
    Future<Boolean> rename(LicenseKey from, LicenseKey to, List<String> latest, Deadline deadline) {
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
                                        under(key.value(), latest)))
                                .orElseGet(() -> forgetting(from, entries, List.of()))));
    }

    private Future<Boolean> change(Deadline deadline, Function<List<Entry>, Future<Change<Boolean>>> decide) {
        return transactions.change(STREAM, List.of(all()), deadline, replies -> decide.apply(entries(replies.get(0))));
    }

    /**
     * Returns the commands that replace the entries of the stream, newest first, with others and add events. All
     * entries are rewritten, because an entry cannot be changed, and a deleted one still takes memory.
     */
    private static Change<Boolean> changing(List<Entry> before, List<Entry> after, List<Entry> events) {
        var writes = new ArrayList<Request>();
        if (!after.equals(before)) {
            writes.add(command(Command.DEL, STREAM));
            for (int i = Math.min(after.size(), MAX_LENGTH) - 1; i >= 0; i--) {
                Entry entry = after.get(i);
                writes.add(command(Command.XADD, STREAM, entry.id(), "key", entry.key(), "event", entry.event()));
            }
        }
        events.stream()
                .filter(event -> after.stream().noneMatch(event::isSameAs))
                .sorted(Comparator.comparing(event -> time(event.event())))
                .forEach(event -> writes.add(append(event.key(), event.event())));
        return new Change<>(writes, true);
    }

    private static List<Entry> under(String key, List<String> events) {
        return events.stream().map(event -> new Entry("*", key, event)).toList();
    }

    private static Request append(String key, String event) {
        return command(
                Command.XADD, STREAM, "MAXLEN", "~", String.valueOf(MAX_LENGTH), "*", "key", key, "event", event);
    }

    private static Request all() {
        return command(Command.XREVRANGE, STREAM, "+", "-");
    }

    /** Reads the stream, newest first, without entries that no server has written. */
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

    /** Returns the newest events, newest first. */
    Future<List<String>> newest(int most) {
        return redis.read(STREAM, Deadline.in(timeout), all())
                .map(replies -> newestFirst(
                        entries(replies.get(0)).stream()
                                .map(entry -> shown(entry.key(), entry.event()))
                                .distinct()
                                .toList(),
                        most));
    }

    /**
     * Returns the events that happened last. Servers write events some time after they happened, so the order in the
     * stream is not exact.
     *
     * @param events in the order of the stream, newest first, which also holds for events of the same millisecond
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

    /** Returns an event with the key of its license as the first field. */
    static String shown(String key, String event) {
        return "{\"key\":" + Json.encode(key) + "," + event.substring(1);
    }
}
