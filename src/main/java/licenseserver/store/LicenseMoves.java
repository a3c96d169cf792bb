package licenseserver.store;

import static licenseserver.redis.RedisCommands.command;
import static licenseserver.redis.RedisCommands.text;

import io.vertx.core.Future;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import licenseserver.event.Happened;
import licenseserver.event.Outbox;
import licenseserver.event.Pump;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.StoredLicense.Absent;
import licenseserver.store.StoredLicense.Gone;
import licenseserver.store.StoredLicense.Moving;

/**
 * Finishes the move of a {@link Moving} license: its removal, or a change of its key or e-mail. Each step can run
 * twice and on several servers at once, and leaves a state from which the next step follows. So after a crash between
 * two steps, the next call finishes the move.
 */
final class LicenseMoves {
    /**
     * How long a removed license leaves a mark under its key. It is longer than any call takes: a call that has read
     * the old index entry must not find nothing under the key and create a license there.
     */
    private static final Duration GRAVE_TIME = Duration.ofMinutes(1);

    private static final Pattern ADDRESS = Pattern.compile("\\\\*\"email\\\\*\"\\s*:\\s*\\\\*\"([^\"\\\\]+)");

    private final RedisPool redis;
    private final RedisReader reader;
    private final RedisTransactions transactions;
    private final RecentEvents recentEvents;
    private final Outbox outbox;
    private final Pump pump;
    private final int historyLength;

    LicenseMoves(
            RedisPool redis,
            RedisReader reader,
            RedisTransactions transactions,
            RecentEvents recentEvents,
            Outbox outbox,
            Pump pump,
            int historyLength) {
        this.redis = redis;
        this.reader = reader;
        this.transactions = transactions;
        this.recentEvents = recentEvents;
        this.outbox = outbox;
        this.pump = pump;
        this.historyLength = historyLength;
    }

    /**
     * Finishes the move of the license with this key, if it is moving.
     *
     * @return false if the new e-mail has a license already, and nothing has changed; otherwise true
     */
    Future<Boolean> finish(LicenseKey key, Deadline deadline) {
        return read(key, deadline)
                .compose(stored ->
                        stored instanceof Moving moving ? finish(key, moving, deadline) : Future.succeededFuture(true));
    }

    /** Finishes the moves of these licenses that a server has left. */
    Future<?> finish(List<Happened> happened, Deadline deadline) {
        return Future.join(happened.stream()
                .filter(Happened::mayBeRepeated)
                .map(Happened::key)
                .distinct()
                .map(key -> finish(key, deadline)
                        .recover(failure -> failure instanceof UnreadableLicenseException
                                ? Future.succeededFuture(false)
                                : Future.failedFuture(failure)))
                .toList());
    }

    /** Tells subscribers in a moment of a move that is finished. */
    void tell(LicenseKey key, Moving moving) {
        License to = moving.to();
        if (to == null || !moving.leavesItsKey()) {
            pump.tellMoved(key, moving.events());
        } else {
            pump.tellMoved(key, List.of());
            pump.tellMoved(to.key(), moving.events());
        }
    }

    /** Finishes a move that the record under this key has noted. Another call may have finished it already. */
    Future<Boolean> finish(LicenseKey key, Moving moving, Deadline deadline) {
        License to = moving.to();
        if (to == null) {
            return recentEvents
                    .forget(key, moving.events(), deadline)
                    .compose(forgotten -> withdraw(Email.of(moving.from().email()), key, deadline))
                    .compose(withdrawn -> bury(key, deadline))
                    .map(true);
        }
        return moving.leavesItsKey()
                ? toAnotherKey(key, moving, to, deadline).map(true)
                : toAnotherEmail(key, moving, to, deadline);
    }

    /** Uses the connection for reads, so that no transaction holds a connection while it waits for another one. */
    Future<StoredLicense> read(LicenseKey key, Deadline deadline) {
        return reader.get(RedisKeys.record(key), deadline).map(record -> StoredLicense.decode(key, record));
    }

    private Future<Boolean> toAnotherKey(LicenseKey key, Moving moving, License to, Deadline deadline) {
        Future<Boolean> arrival =
                moving.hasArrived() ? Future.succeededFuture(true) : arrive(key, moving, to, deadline);
        return arrival.compose(arrived -> lead(Email.of(to.email()), key, to.key(), deadline))
                // No more can happen under the old key. What has happened there goes with the license.
                .compose(led -> pump.untold(key, RedisKeys.record(key), deadline))
                .compose(untold -> recentEvents.rename(
                        key,
                        to.key(),
                        Stream.concat(untold.stream(), moving.events().stream()).toList(),
                        deadline))
                .compose(renamed -> bury(key, deadline));
    }

    /**
     * Stores the license under its new key, and notes under the old key that it has arrived, before anything leads to
     * the new key. From then on it can change, move again, or be removed. A call that finds the old note late must not
     * store it again or take it back.
     */
    private Future<Boolean> arrive(LicenseKey key, Moving moving, License to, Deadline deadline) {
        Request note =
                command(Command.SET, RedisKeys.record(key), moving.arrived().encode());
        return redis.read(RedisKeys.history(key), deadline, command(Command.LRANGE, RedisKeys.history(key), "0", "-1"))
                .compose(replies -> settle(
                        to, replies.get(0).stream().map(Response::toString).toList(), moving, deadline))
                .compose(settled -> settled
                        ? ifStillMoving(key, moving, List.of(note), deadline)
                        : ifStillMoving(key, moving, writes(moving.from(), List.of(), historyLength), deadline)
                                // False if another server has finished this move, and the license has moved again.
                                .compose(back -> back
                                        ? Future.failedFuture(
                                                new StoreUnavailableException("a new key was taken already"))
                                        : Future.succeededFuture(true)));
    }

    /**
     * Stores the license and its history under the new key, unless that was done. False if another license has that
     * key.
     */
    private Future<Boolean> settle(License to, List<String> history, Moving moving, Deadline deadline) {
        String record = RedisKeys.record(to.key());
        return transactions.change(record, List.of(command(Command.GET, record)), deadline, replies -> {
            StoredLicense there = StoredLicense.decode(to.key(), text(replies.get(0)));
            if (!(there instanceof Absent)) {
                boolean done = there.visible()
                        .filter(license -> license.belongsTo(Email.of(to.email())))
                        .isPresent();
                return answer(List.of(), done || there instanceof Gone);
            }
            var events = new ArrayList<>(history);
            events.addAll(moving.events());
            List<Request> writes = writes(to, events, historyLength);
            writes.add(outbox.entries(to.key(), record, moving.events()).adding());
            return answer(writes, true);
        });
    }

    /** Lets the index entry of an e-mail lead to another key if it leads to this one. */
    private Future<Boolean> lead(Email email, LicenseKey from, LicenseKey to, Deadline deadline) {
        String index = RedisKeys.index(email);
        return transactions.change(
                index,
                List.of(command(Command.GET, index)),
                deadline,
                replies -> leadsTo(from, replies)
                        ? answer(List.of(command(Command.SET, index, to.value())), true)
                        : answer(List.of(), false));
    }

    private Future<Boolean> toAnotherEmail(LicenseKey key, Moving moving, License to, Deadline deadline) {
        return claim(Email.of(to.email()), key, deadline).compose(claimed -> {
            License settled = claimed ? to : moving.from();
            List<String> events = claimed ? moving.events() : List.of();
            List<Request> writes = writes(settled, events, historyLength);
            if (claimed) {
                writes.add(outbox.entries(key, RedisKeys.record(key), events).adding());
            }
            return ifStillMoving(key, moving, writes, deadline)
                    // One of the two is stale now. Which one it is may have been decided by another server.
                    .compose(done -> withdraw(Email.of(moving.from().email()), key, deadline))
                    .compose(done -> withdraw(Email.of(to.email()), key, deadline))
                    .compose(done -> read(key, deadline))
                    .map(stored -> stored.visible()
                            .filter(license -> license.belongsTo(Email.of(to.email())))
                            .isPresent());
        });
    }

    /** Claims an e-mail for the license with this key. False if another license has it. */
    Future<Boolean> claim(Email email, LicenseKey key, Deadline deadline) {
        String index = RedisKeys.index(email);
        // It is written even if it leads here already: that makes a call fail that is about to withdraw it as stale.
        Change<Boolean> claims = new Change<>(List.of(command(Command.SET, index, key.value())), true);
        return transactions.change(index, List.of(command(Command.GET, index)), deadline, replies -> {
            Optional<LicenseKey> owner = text(replies.get(0)).map(LicenseKey::new);
            if (owner.isEmpty() || owner.get().equals(key)) {
                return Future.succeededFuture(claims);
            }
            // An owner without a record is a registration that is under way or was interrupted.
            return read(owner.get(), deadline)
                    .map(stored -> !(stored instanceof Absent) && isStale(stored, email)
                            ? claims
                            : new Change<>(List.of(), false));
        });
    }

    /**
     * Removes the index entry of an e-mail if it leads to this key, and the license there neither has nor gets that
     * e-mail.
     */
    Future<Boolean> withdraw(Email email, LicenseKey key, Deadline deadline) {
        String index = RedisKeys.index(email);
        return transactions.change(
                index,
                List.of(command(Command.GET, index)),
                deadline,
                replies -> !leadsTo(key, replies)
                        ? answer(List.of(), false)
                        : read(key, deadline)
                                .map(stored -> isStale(stored, email)
                                        ? new Change<>(List.of(command(Command.DEL, index)), true)
                                        : new Change<>(List.of(), false)));
    }

    /** Returns whether this neither is nor becomes the license of that e-mail. */
    private static boolean isStale(StoredLicense stored, Email email) {
        if (stored instanceof Moving moving) {
            License to = moving.to();
            boolean stays = !moving.leavesItsKey() && moving.from().belongsTo(email);
            return to == null || !(stays || to.belongsTo(email));
        }
        return stored.visible().filter(license -> license.belongsTo(email)).isEmpty();
    }

    private Future<Boolean> bury(LicenseKey key, Deadline deadline) {
        String record = RedisKeys.record(key);
        return transactions.change(
                record,
                List.of(command(Command.GET, record)),
                deadline,
                replies -> StoredLicense.decode(key, text(replies.get(0))) instanceof Moving moving
                                && moving.leavesItsKey()
                        ? answer(grave(key), true)
                        : answer(List.of(), false));
    }

    private static List<Request> grave(LicenseKey key) {
        String record = RedisKeys.record(key);
        return List.of(
                command(Command.SET, record, StoredLicense.GONE, "PX", String.valueOf(GRAVE_TIME.toMillis())),
                command(Command.DEL, RedisKeys.history(key), RedisKeys.signs(key)));
    }

    /**
     * Removes a record that cannot be read, with its history, its recent events, and those index entries of the
     * addresses in its text that lead to it. May be repeated.
     *
     * @return whether there was such a record
     */
    Future<Boolean> removeUnreadable(LicenseKey key, Deadline deadline) {
        String record = RedisKeys.record(key);
        return reader.get(record, deadline).compose(text -> {
            if (isReadable(key, text)) {
                return Future.succeededFuture(false);
            }
            Future<Boolean> forgotten = recentEvents.forget(key, List.of(), deadline);
            for (Email email : addressesIn(text.orElseThrow())) {
                forgotten = forgotten.compose(next -> withdrawAnyway(email, key, deadline));
            }
            var writes = new ArrayList<>(grave(key));
            writes.add(outbox.entries(key, record, List.of()).adding());
            return forgotten
                    .compose(next -> transactions.change(
                            record,
                            List.of(command(Command.GET, record)),
                            deadline,
                            replies -> isReadable(key, text(replies.get(0)))
                                    ? answer(List.of(), false)
                                    : answer(writes, true)))
                    .onSuccess(removed -> {
                        if (removed) {
                            pump.tellMoved(key, List.of());
                        }
                    });
        });
    }

    static boolean isReadable(LicenseKey key, Optional<String> record) {
        try {
            StoredLicense.decode(key, record);
            return true;
        } catch (UnreadableLicenseException e) {
            return false;
        }
    }

    /** Finds what follows the name {@code email} in any text, even within a license that the note of a move quotes. */
    private static Set<Email> addressesIn(String text) {
        return ADDRESS.matcher(text)
                .results()
                .map(found -> Email.of(found.group(1)))
                .collect(Collectors.toSet());
    }

    private Future<Boolean> withdrawAnyway(Email email, LicenseKey key, Deadline deadline) {
        String index = RedisKeys.index(email);
        return transactions.change(
                index,
                List.of(command(Command.GET, index)),
                deadline,
                replies -> leadsTo(key, replies)
                        ? answer(List.of(command(Command.DEL, index)), true)
                        : answer(List.of(), false));
    }

    private Future<Boolean> ifStillMoving(LicenseKey key, Moving moving, List<Request> writes, Deadline deadline) {
        String record = RedisKeys.record(key);
        return transactions.change(
                record,
                List.of(command(Command.GET, record)),
                deadline,
                // The texts themselves can differ, because a note that was renamed names the old key.
                replies -> StoredLicense.decode(key, text(replies.get(0))) instanceof Moving still
                                && still.encode().equals(moving.encode())
                        ? answer(writes, true)
                        : answer(List.of(), false));
    }

    /** Returns the commands that store a license and add events to its history. */
    static List<Request> writes(License license, List<String> events, int historyLength) {
        var writes = new ArrayList<Request>();
        writes.add(command(Command.SET, RedisKeys.record(license.key()), LicenseJson.encode(license)));
        if (!events.isEmpty() && historyLength > 0) {
            String history = RedisKeys.history(license.key());
            Request push = command(Command.RPUSH, history);
            events.forEach(push::arg);
            writes.add(push);
            writes.add(command(Command.LTRIM, history, String.valueOf(-historyLength), "-1"));
        }
        return writes;
    }

    private static boolean leadsTo(LicenseKey key, List<Response> replies) {
        return text(replies.get(0)).filter(key.value()::equals).isPresent();
    }

    private static <R> Future<Change<R>> answer(List<Request> writes, R answer) {
        return Future.succeededFuture(new Change<>(writes, answer));
    }
}
