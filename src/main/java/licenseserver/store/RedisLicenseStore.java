package licenseserver.store;

import static licenseserver.redis.RedisCommands.command;
import static licenseserver.redis.RedisCommands.text;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.event.Outbox;
import licenseserver.event.Outbox.Entries;
import licenseserver.event.Pump;
import licenseserver.event.Subscriber;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.Event;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Rules;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.StoredLicense.Moving;
import licenseserver.store.StoredLicense.Settled;
import org.jspecify.annotations.Nullable;

/**
 * Stores licenses in Redis: the {@linkplain LicenseJson JSON} of each under {@code license:KEY}, its history under
 * {@code events:{license:KEY}}, the {@linkplain StoredSigns signs of life} of its machines under
 * {@code seen:{license:KEY}}, and its key as an index entry under {@code email:ADDRESS}. No transaction touches both a
 * license and an index entry, because these are in different slots of a Redis Cluster.
 *
 * <p>Belongs to the event loop on which it is made.
 */
public final class RedisLicenseStore implements LicenseStore {
    private final Vertx vertx;
    private final RedisPool redis;
    private final RedisReader reader;
    private final RedisTransactions transactions;
    private final LicenseMoves moves;
    private final LicenseTurns turns;
    private final Duration timeout;
    private final int historyLength;
    private final EventJson eventJson;
    private final NearCache cache;
    private final RecentEvents recentEvents;
    private final Outbox outbox;
    private final Pump pump;

    /**
     * Makes a store on the current event loop.
     *
     * @param settings how to reach Redis
     * @param topology where Redis is now; the whole process shares it
     * @param timeout the longest time that a call takes
     * @param turns the lines of calls that change licenses; stores can share it
     * @param history how the histories of licenses are kept
     * @param cache gets each license that is read, and drops each that is changed
     * @param outbox all stores of the process share it
     */
    public RedisLicenseStore(
            Vertx vertx,
            RedisSettings settings,
            RedisTopology topology,
            Duration timeout,
            LicenseTurns turns,
            HistorySettings history,
            NearCache cache,
            Outbox outbox) {
        this(
                vertx,
                new RedisPool(vertx, settings, topology, timeout),
                new RedisReader(vertx, settings, topology, timeout),
                timeout,
                turns,
                history,
                cache,
                outbox);
    }

    RedisLicenseStore(
            Vertx vertx,
            RedisPool redis,
            RedisReader reader,
            Duration timeout,
            LicenseTurns turns,
            HistorySettings history,
            NearCache cache,
            Outbox outbox) {
        this.vertx = vertx;
        this.redis = redis;
        this.reader = reader;
        this.transactions = new RedisTransactions(vertx, redis);
        this.outbox = outbox;
        this.pump = new Pump(vertx, redis, outbox, timeout);
        this.recentEvents = new RecentEvents(redis, reader, transactions, timeout);
        this.moves = new LicenseMoves(redis, reader, transactions, recentEvents, outbox, pump, history.events());
        pump.add(List.of(happened -> moves.finish(happened, Deadline.in(timeout)), recentEvents));
        this.turns = turns;
        this.timeout = timeout;
        this.historyLength = history.events();
        this.eventJson = new EventJson(history);
        this.cache = cache;
    }

    /**
     * Tells these, too, of what this store changes. Call it before the store is used.
     *
     * @param subscribers are told in this order, after the recent events
     */
    public void tell(List<Subscriber> subscribers) {
        pump.add(subscribers);
    }

    /**
     * Tells subscribers now of everything that this process has changed so far.
     *
     * @return completes when it is done; if it fails, the sweep does it later
     */
    public Future<?> told() {
        return pump.flush();
    }

    /** Finishes from now on, twice per second, what servers that died have left in the outbox. */
    public void sweepFromNowOn() {
        pump.sweepFromNowOn();
    }

    /** Finishes now what was left in the outbox. */
    Future<?> sweep() {
        return pump.sweep();
    }

    /** Tells subscribers what they have not been told yet, and closes all connections. */
    public Future<Void> close() {
        return pump.close().transform(told -> redis.close()).eventually(reader::close);
    }

    @Override
    public Future<Optional<License>> find(LicenseKey key) {
        return find(key, Function.identity());
    }

    @Override
    public <R> Future<R> find(LicenseKey key, Function<Optional<License>, R> look) {
        NearCache.Ticket ticket = cache.ticket(key);
        return reader.get(RedisKeys.record(key), Deadline.in(timeout)).map(record -> {
            StoredLicense stored = StoredLicense.decode(key, record);
            if (ticket != null && stored instanceof StoredLicense.Settled settled) {
                cache.put(ticket, settled.license());
            }
            return look.apply(stored.visible());
        });
    }

    @Override
    public Future<Optional<License>> findByEmail(Email email) {
        return findByEmail(email, Deadline.in(timeout), 1);
    }

    private Future<Optional<License>> findByEmail(Email email, Deadline deadline, int attempt) {
        String index = RedisKeys.index(email);
        return reader.get(index, deadline).compose(key -> {
            if (key.isEmpty()) {
                return Future.succeededFuture(Optional.empty());
            }
            LicenseKey found = new LicenseKey(key.get());
            return moves.read(found, deadline).compose(stored -> {
                Optional<License> license = stored.visible().filter(seen -> seen.belongsTo(email));
                if (license.isPresent()) {
                    return Future.succeededFuture(license);
                }
                // It may have moved since the index was read; then the index says where to.
                return moves.finish(found, deadline)
                        .compose(finished -> reader.get(index, deadline))
                        .compose(now -> now.equals(key) && !(stored instanceof Moving)
                                ? Future.succeededFuture(Optional.<License>empty())
                                : transactions
                                        .pauseBefore(attempt + 1)
                                        .compose(again -> findByEmail(email, deadline, attempt + 1)));
            });
        });
    }

    /**
     * The license counts, and the index entry only leads to it. The first step claims the index entry of the e-mail
     * for a license key. The second step creates the license under the key that has the claim, no matter which call
     * placed it. Both steps do nothing if something is there already. So all calls that register one e-mail at the
     * same time use the same key, and exactly one of them creates the license and answers "created". After a crash
     * between the steps, the next call that registers that e-mail finds the claim and creates the license.
     */
    @Override
    public Future<Registration> register(Email email, Supplier<License> issue) {
        return register(email, issue, Deadline.in(timeout), 1);
    }

    private Future<Registration> register(Email email, Supplier<License> issue, Deadline deadline, int attempt) {
        License candidate = issue.get();
        String index = RedisKeys.index(email);
        return redis.change(
                        index,
                        deadline,
                        // Not one SET with NX and GET: Redis knows the two together only since 7.0.
                        command(Command.SET, index, candidate.key().value(), "NX"),
                        command(Command.GET, index))
                .compose(replies -> create(email, candidate, text(replies.get(1)), deadline))
                .compose(registration -> registration.isPresent()
                        ? Future.succeededFuture(registration.get())
                        : transactions
                                .pauseBefore(attempt + 1)
                                .compose(again -> register(email, issue, deadline, attempt + 1)));
    }

    /**
     * Returns empty if the caller must start again: the claim is gone, or led to the license of another e-mail and was
     * removed.
     */
    private Future<Optional<Registration>> create(
            Email email, License candidate, Optional<String> claim, Deadline deadline) {
        if (claim.isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        LicenseKey key = new LicenseKey(claim.get());
        License license = candidate.withKey(key);
        return change(key, deadline, stored -> {
                    if (stored instanceof StoredLicense.Absent) {
                        return new Decision.Save<>(
                                license, List.of(Rules.registered(license)), Optional.of(new Registration(true, key)));
                    }
                    return new Decision.Keep<>(stored.visible()
                            .filter(existing -> existing.belongsTo(email))
                            .map(existing -> new Registration(false, key)));
                })
                .compose(registration -> registration.isPresent()
                        ? Future.succeededFuture(registration)
                        : moves.withdraw(email, key, deadline).map(withdrawn -> Optional.empty()));
    }

    @Override
    public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        Deadline deadline = Deadline.in(timeout);
        Function<StoredLicense, Decision<R>> decide =
                stored -> rule.apply(stored.visible().orElse(null));
        return moves.read(key, deadline).compose(stored -> {
            // Most activations at the start of an app, and most refusals, change nothing, and this read is enough.
            // Unless replicas must confirm changes: the call that made one may have waited for them in vain.
            if (!redis.waitsForReplicas()
                    && !(stored instanceof Moving)
                    && decide.apply(stored) instanceof Decision.Keep<R> keep
                    && !keep.isUncertain()) {
                return Future.succeededFuture(keep.reply());
            }
            return turns.inTurn(
                    vertx,
                    key.value(),
                    () -> deadline.isOver()
                            ? Future.failedFuture(
                                    new StoreUnavailableException("others were changing the license too long"))
                            : change(key, deadline, decide));
        });
    }

    /**
     * The result of the first step.
     *
     * @param decision what was decided; null if another move of the license must be finished first
     * @param move the move to finish now, decided here or found; null for none
     * @param entries what to tell at the end; null if nothing happened, or a move tells it
     */
    private record Step<R>(
            @Nullable Decision<R> decision,
            @Nullable Moving move,
            @Nullable Entries entries) {}

    /** Changes a license and its history, in one step if possible. */
    private <R> Future<R> change(LicenseKey key, Deadline deadline, Function<StoredLicense, Decision<R>> rule) {
        return change(key, deadline, rule, 1);
    }

    private <R> Future<R> change(
            LicenseKey key, Deadline deadline, Function<StoredLicense, Decision<R>> rule, int attempt) {
        String record = RedisKeys.record(key);
        List<Request> reads = List.of(
                command(Command.GET, record),
                command(Command.LINDEX, RedisKeys.history(key), "-1"),
                command(Command.HGETALL, RedisKeys.signs(key)));
        return transactions
                .change(record, reads, deadline, replies -> Future.succeededFuture(step(key, replies, rule)))
                .compose(step -> {
                    Decision<R> decision = step.decision();
                    Moving move = step.move();
                    Future<Boolean> finished =
                            move == null ? Future.succeededFuture(true) : moves.finish(key, move, deadline);
                    return finished.compose(moved -> {
                        if (decision == null) {
                            return transactions
                                    .pauseBefore(attempt + 1)
                                    .compose(again -> change(key, deadline, rule, attempt + 1));
                        }
                        if (!moved) {
                            return Future.failedFuture(new EmailTakenException());
                        }
                        if (!(decision instanceof Decision.Keep)) {
                            cache.changed(key);
                        }
                        if (step.entries() != null) {
                            pump.tell(step.entries());
                        }
                        if (move != null) {
                            moves.tell(key, move);
                        }
                        return Future.succeededFuture(decision.reply());
                    });
                });
    }

    private <R> Change<Step<R>> step(
            LicenseKey key, List<Response> replies, Function<StoredLicense, Decision<R>> rule) {
        StoredLicense stored = StoredLicense.decode(key, text(replies.get(0)));
        if (stored instanceof Moving other) {
            return new Change<>(List.of(), new Step<>(null, other, null));
        }
        StoredSigns signs = StoredSigns.of(replies.get(2));
        License license = stored.visible().map(signs::on).orElse(null);
        Decision<R> decision = rule.apply(license == null ? stored : new Settled(license));
        if (decision instanceof Decision.Keep) {
            return new Change<>(List.of(), new Step<>(decision, null, null));
        }
        License next = decision instanceof Decision.Save<R> save ? save.license() : null;
        List<String> events = encode(
                decision instanceof Decision.Save<R> save ? save.events() : ((Decision.Remove<R>) decision).events(),
                text(replies.get(1)).orElse(null));
        boolean stays = next != null
                && (license == null || (next.key().equals(license.key()) && next.belongsTo(Email.of(license.email()))));
        if (next != null && stays) {
            List<Request> writes = LicenseMoves.writes(next, events, historyLength);
            writes.addAll(signs.removal(key, next));
            Entries entries = events.isEmpty() ? null : outbox.entries(key, RedisKeys.record(key), events);
            if (entries != null) {
                writes.add(entries.adding());
            }
            return new Change<>(writes, new Step<>(decision, null, entries));
        }
        if (license == null) {
            throw new IllegalArgumentException("Only a license that there is can be removed");
        }
        var move = new Moving(license, next, events);
        var writes = new ArrayList<Request>();
        writes.add(command(Command.SET, RedisKeys.record(key), move.encode()));
        if (next == null) {
            // The history of a removed license goes first: once its e-mail is free, nothing may lead to it any more.
            // The
            // signs of life of one that moves are in the note.
            writes.add(command(Command.DEL, RedisKeys.history(key), RedisKeys.signs(key)));
        }
        // Only a removal is certain by now. But the sweep must find every move, to finish it.
        writes.add(outbox.entries(key, RedisKeys.record(key), next == null ? events : List.of())
                .adding());
        return new Change<>(writes, new Step<>(decision, move, null));
    }

    private List<String> encode(List<Event> events, @Nullable String previous) {
        var encoded = new ArrayList<String>();
        String last = previous;
        for (Event event : events) {
            last = eventJson.encode(event, last);
            encoded.add(last);
        }
        return encoded;
    }

    @Override
    public Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now) {
        Deadline deadline = Deadline.in(timeout);
        Future<Boolean> mended = replacement == null
                ? moves.removeUnreadable(key, deadline)
                : replaceUnreadable(replacement.withKey(key), now, deadline);
        return mended.onSuccess(done -> cache.changed(key));
    }

    /**
     * As in {@link #register}, the e-mail is claimed first; a claim that does not lead to a license of that e-mail is
     * stale.
     */
    private Future<Boolean> replaceUnreadable(License license, Instant now, Deadline deadline) {
        LicenseKey key = license.key();
        String record = RedisKeys.record(key);
        return reader.get(record, deadline).compose(text -> {
            if (LicenseMoves.isReadable(key, text)) {
                return Future.succeededFuture(false);
            }
            return moves.claim(Email.of(license.email()), key, deadline)
                    .compose(claimed -> claimed
                            ? transactions.change(
                                    record,
                                    List.of(
                                            command(Command.GET, record),
                                            command(Command.LINDEX, RedisKeys.history(key), "-1")),
                                    deadline,
                                    replies -> Future.succeededFuture(replacement(license, now, replies)))
                            : Future.failedFuture(new EmailTakenException()))
                    .map(entries -> {
                        entries.ifPresent(pump::tell);
                        return entries.isPresent();
                    });
        });
    }

    private Change<Optional<Entries>> replacement(License license, Instant now, List<Response> replies) {
        LicenseKey key = license.key();
        if (LicenseMoves.isReadable(key, text(replies.get(0)))) {
            return new Change<>(List.of(), Optional.empty());
        }
        List<String> events =
                encode(List.of(Rules.replaced(now)), text(replies.get(1)).orElse(null));
        Entries entries = outbox.entries(key, RedisKeys.record(key), events);
        List<Request> writes = LicenseMoves.writes(license, events, historyLength);
        writes.add(entries.adding());
        return new Change<>(writes, Optional.of(entries));
    }

    /**
     * Redis has no command that writes one key only if another exists. So, after the signs, the same batch asks for the
     * length of each record. If the license is gone by then, its signs are removed. If it is deleted later, that
     * removes them. They stay only if a license is deleted while its sign waits to be written, and then this server
     * dies, or loses Redis for longer, between the two steps.
     */
    @Override
    public Future<Void> addSigns(List<Sign> signs) {
        Deadline deadline = Deadline.in(timeout);
        Map<String, List<Request>> writes = new HashMap<>();
        for (Sign sign : signs) {
            writes.computeIfAbsent(
                            RedisKeys.record(sign.key()),
                            record -> List.of(
                                    command(Command.HSET, RedisKeys.signs(sign.key())),
                                    command(Command.STRLEN, record)))
                    .get(0)
                    .arg(sign.machine())
                    .arg(sign.minute());
        }
        return redis.changeEach(writes, deadline)
                .compose(replies -> {
                    Map<String, List<Request>> removals = new HashMap<>();
                    replies.forEach((record, reply) -> {
                        if (reply.get(1).toInteger() <= StoredLicense.GONE.length()) {
                            var gone = new LicenseKey(record.substring(RedisKeys.RECORDS.length()));
                            removals.put(record, List.of(command(Command.DEL, RedisKeys.signs(gone))));
                        }
                    });
                    return redis.changeEach(removals, deadline);
                })
                .mapEmpty();
    }

    @Override
    public Future<License> withSigns(License license) {
        String signs = RedisKeys.signs(license.key());
        return redis.read(signs, Deadline.in(timeout), command(Command.HGETALL, signs))
                .map(replies -> StoredSigns.of(replies.get(0)).on(license));
    }

    @Override
    public Future<History> history(LicenseKey key) {
        String history = RedisKeys.history(key);
        return redis.read(history, Deadline.in(timeout), command(Command.LRANGE, history, "0", "-1"))
                .map(replies -> eventJson.history(
                        replies.get(0).stream().map(Response::toString).toList()));
    }

    @Override
    public Future<List<String>> recentEvents(int most) {
        return told().transform(told -> recentEvents.newest(most));
    }
}
