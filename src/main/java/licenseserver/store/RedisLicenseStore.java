package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;

/**
 * Licenses in Redis: the {@linkplain LicenseJson JSON} of each under {@code license:KEY}, and its key alone under {@code
 * email:ADDRESS}. No step touches two keys, as these two lie in different slots of a Redis Cluster.
 *
 * <p>Belongs to the event loop it is made on.
 */
public final class RedisLicenseStore implements LicenseStore {
    /** How often a change is tried that others keep overtaking. Only other servers can: those of this one take turns. */
    private static final int MAX_ATTEMPTS = 20;

    /** The longest pause before a further attempt, in milliseconds; each is drawn at random, to part those who collided. */
    private static final int MAX_PAUSE_MILLIS = 32;

    private final Vertx vertx;
    private final RedisPool redis;
    private final LicenseTurns turns;
    private final Duration timeout;

    /**
     * A store on the current event loop.
     *
     * @param url where Redis is: {@code redis://[[user]:password@]host[:port][/database]}
     * @param timeout the longest that any call takes
     * @param turns shared by all stores of this process
     */
    public RedisLicenseStore(Vertx vertx, String url, Duration timeout, LicenseTurns turns) {
        this.vertx = vertx;
        this.redis = new RedisPool(vertx, url, timeout);
        this.turns = turns;
        this.timeout = timeout;
    }

    /** Closes all connections. */
    public Future<Void> close() {
        return redis.close();
    }

    @Override
    public Future<Optional<License>> find(LicenseKey key) {
        return find(key, Deadline.in(timeout));
    }

    private Future<Optional<License>> find(LicenseKey key, Deadline deadline) {
        return get(licenseAt(key), deadline).map(record -> read(key, record));
    }

    @Override
    public Future<Optional<License>> findByEmail(Email email) {
        Deadline deadline = Deadline.in(timeout);
        return get(indexOf(email), deadline)
                .compose(key -> key.isEmpty()
                        ? Future.succeededFuture(Optional.empty())
                        : find(new LicenseKey(key.get()), deadline))
                .map(license -> license.filter(found -> found.belongsTo(email)));
    }

    /** Reads once more where the connection broke: one from the pool may have been closed in the instant it was taken. */
    private Future<Optional<String>> get(String redisKey, Deadline deadline) {
        Supplier<Future<Optional<String>>> read =
                () -> redis.batch(deadline, command(Command.GET, redisKey)).map(replies -> text(replies.get(0)));
        return read.get().recover(failure -> deadline.isOver() ? Future.failedFuture(failure) : read.get());
    }

    /**
     * The license is what counts, the index only leads to it. First the e-mail's index key is claimed for a license key,
     * then the license is created under the key that holds the claim, whoever placed it; both only where nothing is there
     * (NX). So of all who register one e-mail at once, all use one key, exactly one creates the license, and that one
     * answers "created". After a crash between the two steps the next register of that e-mail finds the claim and creates the
     * license.
     */
    @Override
    public Future<Registration> register(Email email, Supplier<License> issue) {
        return register(email, issue, Deadline.in(timeout), 1);
    }

    private Future<Registration> register(Email email, Supplier<License> issue, Deadline deadline, int attempt) {
        License candidate = issue.get();
        return redis.batch(
                        deadline,
                        // Not one SET with NX and GET: Redis knows the two together only since 7.0.
                        command(Command.SET, indexOf(email), candidate.key().value(), "NX"),
                        command(Command.GET, indexOf(email)))
                .compose(replies -> create(email, candidate, text(replies.get(1)), deadline))
                .compose(registration -> registration.isPresent()
                        ? Future.succeededFuture(registration.get())
                        : pauseBefore(attempt + 1).compose(again -> register(email, issue, deadline, attempt + 1)));
    }

    /** Empty where the claim is gone or leads to another e-mail's license, and was taken away: then all begins again. */
    private Future<Optional<Registration>> create(
            Email email, License candidate, Optional<String> claim, Deadline deadline) {
        if (claim.isEmpty()) {
            return Future.succeededFuture(Optional.empty());
        }
        LicenseKey key = new LicenseKey(claim.get());
        String record = LicenseJson.encode(candidate.withKey(key));
        return redis.batch(
                        deadline,
                        command(Command.SET, licenseAt(key), record, "NX"),
                        command(Command.GET, licenseAt(key)))
                .compose(replies -> {
                    if (replies.get(0) != null) {
                        return Future.succeededFuture(Optional.of(new Registration(true, key)));
                    }
                    Optional<License> existing = read(key, text(replies.get(1)));
                    if (existing.isPresent() && existing.get().belongsTo(email)) {
                        return Future.succeededFuture(Optional.of(new Registration(false, key)));
                    }
                    return withdraw(email, key, deadline).map(withdrawn -> Optional.empty());
                });
    }

    /** Removes an index entry that leads to a license of another e-mail, if it still does. */
    private Future<Boolean> withdraw(Email email, LicenseKey key, Deadline deadline) {
        return change(
                indexOf(email),
                deadline,
                claim -> claim.isPresent() && claim.get().equals(key.value())
                        ? new Change<>(command(Command.DEL, indexOf(email)), true)
                        : new Change<>(null, false));
    }

    @Override
    public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        Deadline deadline = Deadline.in(timeout);
        String redisKey = licenseAt(key);
        return turns.inTurn(
                vertx,
                redisKey,
                () -> change(redisKey, deadline, record -> {
                    Decision<R> decision = rule.apply(read(key, record).orElse(null));
                    Request write = decision instanceof Decision.Save<R> save
                            ? command(Command.SET, redisKey, LicenseJson.encode(save.license()))
                            : null;
                    return new Change<>(write, decision.reply());
                }));
    }

    /** What is to be written, null for nothing, and the answer that is good once it is written. */
    private record Change<R>(@Nullable Request write, R answer) {}

    /**
     * Optimistic locking. On a connection of its own, WATCH tells Redis to remember the key, and GET reads it. On what was
     * read is decided here, in this process, while anyone else may write. Then MULTI, the write and EXEC go out together:
     * Redis runs them as one step, and only if nobody has written the key since the WATCH; else it does nothing and answers
     * EXEC with null, and all begins again with what the other one wrote. So no change is ever based on a state that is no
     * more, and no lock is held by a server that may die.
     *
     * <p>A connection must not go back to the pool with its WATCH: the next borrower's EXEC would fail for a key that it never
     * asked for. EXEC takes the WATCH back by itself; where nothing is to be written UNWATCH does; and after any failure the
     * connection is thrown away.
     *
     * <p>Where the answer to EXEC does not arrive, the change may have been made or not. That is reported as {@link
     * StoreUnavailableException}; every change is such that it can be asked for again.
     */
    private <R> Future<R> change(String redisKey, Deadline deadline, Function<Optional<String>, Change<R>> decide) {
        return change(redisKey, deadline, decide, 1);
    }

    private <R> Future<R> change(
            String redisKey, Deadline deadline, Function<Optional<String>, Change<R>> decide, int attempt) {
        return redis.lease(
                        deadline,
                        lease -> lease.batch(command(Command.WATCH, redisKey), command(Command.GET, redisKey))
                                .compose(replies -> {
                                    Change<R> change = decide.apply(text(replies.get(1)));
                                    if (change.write() == null) {
                                        lease.unwatch();
                                        return Future.succeededFuture(Optional.of(change));
                                    }
                                    return lease.batch(command(Command.MULTI), change.write(), command(Command.EXEC))
                                            .map(executed -> wasExecuted(executed.get(2))
                                                    ? Optional.of(change)
                                                    : Optional.<Change<R>>empty());
                                }))
                .compose(change -> change.isPresent()
                        ? Future.succeededFuture(change.get().answer())
                        : pauseBefore(attempt + 1).compose(again -> change(redisKey, deadline, decide, attempt + 1)));
    }

    private static boolean wasExecuted(@Nullable Response exec) {
        if (exec == null) {
            return false;
        }
        // A command that fails inside of EXEC is an error among its replies, not a failure of EXEC.
        if (exec.get(0).type() == ResponseType.ERROR) {
            throw new StoreUnavailableException("Redis could not write");
        }
        return true;
    }

    private Future<Void> pauseBefore(int attempt) {
        if (attempt > MAX_ATTEMPTS) {
            return Future.failedFuture(new StoreUnavailableException("other servers kept changing the same license"));
        }
        int longest = (int) Math.min(MAX_PAUSE_MILLIS, 1L << attempt);
        return vertx.timer(ThreadLocalRandom.current().nextInt(1, longest + 1), TimeUnit.MILLISECONDS)
                .mapEmpty();
    }

    private static String licenseAt(LicenseKey key) {
        return "license:" + key.value();
    }

    private static String indexOf(Email email) {
        return "email:" + email.address();
    }

    private static Optional<License> read(LicenseKey key, Optional<String> record) {
        try {
            return record.map(LicenseJson::decode);
        } catch (UnreadableLicenseException e) {
            throw new UnreadableLicenseException("license:" + key + ": " + e.getMessage());
        }
    }

    private static Optional<String> text(@Nullable Response reply) {
        return Optional.ofNullable(reply).map(Response::toString);
    }

    private static Request command(Command command, String... arguments) {
        Request request = Request.cmd(command);
        for (String argument : arguments) {
            request.arg(argument);
        }
        return request;
    }
}
