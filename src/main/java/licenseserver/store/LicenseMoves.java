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
 * Finishes what a {@link Moving} license has begun: a removal, a change of its key, or a change of its e-mail. Every step can
 * be taken twice and by several servers at once, and leaves a state from which the next one follows, so a crash between any two
 * is healed by whoever comes next.
 */
final class LicenseMoves {
    /**
     * How long the record of a license that is gone keeps its place. Longer than any call takes: one that has read, before, that
     * the e-mail leads there must not find the place empty and create a license in it.
     */
    private static final Duration GRAVE_TIME = Duration.ofMinutes(1);

    private static final Pattern ADDRESS = Pattern.compile("\\\\*\"email\\\\*\"\\s*:\\s*\\\\*\"([^\"\\\\]+)");

    private final RedisPool redis;
    private final RedisReader reader;
    private final RedisTransactions transactions;
    private final RecentEvents recentEvents;
    private final int historyLength;

    LicenseMoves(
            RedisPool redis,
            RedisReader reader,
            RedisTransactions transactions,
            RecentEvents recentEvents,
            int historyLength) {
        this.redis = redis;
        this.reader = reader;
        this.transactions = transactions;
        this.recentEvents = recentEvents;
        this.historyLength = historyLength;
    }

    /**
     * Finishes the move of the license with this key, if one is under way.
     *
     * @return whether the license is where it was to be; false where its new e-mail has a license already, and nothing changed
     */
    Future<Boolean> finish(LicenseKey key, Deadline deadline) {
        return read(key, deadline)
                .compose(stored ->
                        stored instanceof Moving moving ? finish(key, moving, deadline) : Future.succeededFuture(true));
    }

    /** Finishes a move that was noted at the license with this key, also where others have done so by now. */
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

    /** On the connection for reads, so that a transaction that needs to know more holds no connection waiting for another. */
    Future<StoredLicense> read(LicenseKey key, Deadline deadline) {
        return reader.get(RedisKeys.record(key), deadline).map(record -> StoredLicense.decode(key, record));
    }

    private Future<Boolean> toAnotherKey(LicenseKey key, Moving moving, License to, Deadline deadline) {
        Future<Boolean> arrival =
                moving.hasArrived() ? Future.succeededFuture(true) : arrive(key, moving, to, deadline);
        return arrival.compose(arrived -> lead(Email.of(to.email()), key, to.key(), deadline))
                .compose(led -> recentEvents.rename(key, to.key(), moving.events(), deadline))
                .compose(renamed -> bury(key, deadline));
    }

    /**
     * Stores the license under its new key and notes that under the old one, before anything leads to the new one: from there on it
     * may change, move on, or be removed, and must be neither stored again nor taken back by who finds the old note late.
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
                                // Not so where another server has finished this move, and what it moved has moved on.
                                .compose(back -> back
                                        ? Future.failedFuture(
                                                new StoreUnavailableException("a new key was taken already"))
                                        : Future.succeededFuture(true)));
    }

    /** Stores the license under its new key, its history with it, unless that was done; false where another one lies there. */
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
            return answer(writes(to, events, historyLength), true);
        });
    }

    /** Makes the index of an e-mail lead to another key, if it leads to this one. */
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
            return ifStillMoving(key, moving, writes(settled, events, historyLength), deadline)
                    // One of the two is stale now; which one, another server may have decided otherwise.
                    .compose(done -> withdraw(Email.of(moving.from().email()), key, deadline))
                    .compose(done -> withdraw(Email.of(to.email()), key, deadline))
                    .compose(done -> read(key, deadline))
                    .map(stored -> stored.visible()
                            .filter(license -> license.belongsTo(Email.of(to.email())))
                            .isPresent());
        });
    }

    /** Claims an e-mail for the license with this key, unless another license has it. */
    Future<Boolean> claim(Email email, LicenseKey key, Deadline deadline) {
        String index = RedisKeys.index(email);
        // Written also where it leads here already: whoever is about to withdraw it as stale is overtaken by that.
        Change<Boolean> claims = new Change<>(List.of(command(Command.SET, index, key.value())), true);
        return transactions.change(index, List.of(command(Command.GET, index)), deadline, replies -> {
            Optional<LicenseKey> owner = text(replies.get(0)).map(LicenseKey::new);
            if (owner.isEmpty() || owner.get().equals(key)) {
                return Future.succeededFuture(claims);
            }
            // An owner without a record is a registration that is under way, or stopped on its way.
            return read(owner.get(), deadline)
                    .map(stored -> !(stored instanceof Absent) && isStale(stored, email)
                            ? claims
                            : new Change<>(List.of(), false));
        });
    }

    /** Removes an index entry that leads to this key, unless the license there has that e-mail, or is to have it. */
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

    /** Whether what an e-mail's index leads to is not, and will not be, the license of that e-mail. */
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
                command(Command.DEL, RedisKeys.history(key)));
    }

    /**
     * Removes a record that cannot be read, its history, its recent events, and the index entries of the addresses that its text
     * shows, if they lead to it. May be repeated.
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
            return forgotten.compose(next -> transactions.change(
                    record,
                    List.of(command(Command.GET, record)),
                    deadline,
                    replies -> isReadable(key, text(replies.get(0)))
                            ? answer(List.of(), false)
                            : answer(grave(key), true)));
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

    /** What stands in any text behind the name {@code email}, also in a license that is quoted in the note of a move. */
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
                // By what they say, not by their text: a note that was renamed names the old key.
                replies -> StoredLicense.decode(key, text(replies.get(0))) instanceof Moving still
                                && still.encode().equals(moving.encode())
                        ? answer(writes, true)
                        : answer(List.of(), false));
    }

    /** The commands that store a license and add events to its history. */
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
