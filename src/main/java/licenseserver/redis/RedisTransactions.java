package licenseserver.redis;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Changes what lies under a key of Redis in one step: a function is given what is there and decides what to write.
 *
 * <p>This is optimistic locking. First WATCH tells Redis, on a connection that nobody else uses meanwhile, to notice
 * changes of the key; then the key is read, and with it whatever only changes together with it. The function decides
 * in this process, while others are free to write. Then MULTI, the writes and EXEC are sent together. Redis carries
 * them out as one step if nobody has written the key since the WATCH. Otherwise it does nothing and answers EXEC with
 * null, and everything starts over with what the other writer left. So no change is ever based on outdated data, and
 * no lock can be left behind by a server that dies.
 *
 * <p>A connection must not go back to the pool with its WATCH, because the next borrower's EXEC would fail for a key
 * that it never asked about. EXEC ends the WATCH; if there is nothing to write, UNWATCH does; and after any failure
 * the connection is thrown away.
 *
 * <p>If the answer to EXEC does not arrive, it is not known whether the change was made. That is reported as
 * {@link StoreUnavailableException}, so every change must be one that can be asked for again. If something fails
 * before EXEC is sent, nothing has happened yet, and the pool tries again, maybe at another server.
 */
public final class RedisTransactions {
    /** How often a change is tried if other servers keep winning the race. The changes of this server take turns. */
    private static final int MAX_ATTEMPTS = 20;

    /**
     * The longest pause before another attempt, in milliseconds. Pauses are random, so that two who collided do not
     * collide again.
     */
    private static final int MAX_PAUSE_MILLIS = 32;

    private final Vertx vertx;
    private final RedisPool redis;

    /** Transactions on connections of this pool. */
    public RedisTransactions(Vertx vertx, RedisPool redis) {
        this.vertx = vertx;
        this.redis = redis;
    }

    /**
     * What to write, and the answer that is true once it is written.
     *
     * @param writes commands on the watched key and on others in its cluster slot; empty to write nothing
     * @param answer what the whole change completes with
     */
    public record Change<R>(List<Request> writes, R answer) {}

    /**
     * Changes what lies under a key.
     *
     * @param reads commands on the key and on others in its cluster slot
     * @param decide is given the replies to the reads, in their order, and decides what to write; it is called again
     *     if the race was lost, or if another server must be asked, so it must have no side effect
     * @return the answer of the decision that was carried out; fails with {@link StoreUnavailableException}, or as
     *     {@code decide} fails
     */
    public <R> Future<R> change(
            String key, List<Request> reads, Deadline deadline, Function<List<Response>, Future<Change<R>>> decide) {
        return change(key, reads, deadline, decide, 1);
    }

    private <R> Future<R> change(
            String key,
            List<Request> reads,
            Deadline deadline,
            Function<List<Response>, Future<Change<R>>> decide,
            int attempt) {
        return redis.lease(
                        key,
                        deadline,
                        lease -> lease.read(watching(key, reads))
                                .compose(replies -> decide.apply(replies.subList(1, replies.size())))
                                .compose(change -> change.writes().isEmpty()
                                        ? lease.keep().map(Optional.of(change))
                                        : lease.execute(change.writes())
                                                .map(replies -> wasExecuted(replies)
                                                        ? Optional.of(change)
                                                        : Optional.<Change<R>>empty())))
                .compose(change -> change.isPresent()
                        ? Future.succeededFuture(change.get().answer())
                        : pauseBefore(attempt + 1).compose(again -> change(key, reads, deadline, decide, attempt + 1)));
    }

    private static List<Request> watching(String key, List<Request> reads) {
        var all = new ArrayList<Request>();
        all.add(Request.cmd(Command.WATCH).arg(key));
        all.addAll(reads);
        return all;
    }

    private static boolean wasExecuted(@Nullable Response exec) {
        if (exec == null) {
            return false;
        }
        // A command that fails inside of EXEC is an error among its replies, not a failure of EXEC.
        for (Response reply : exec) {
            if (reply != null && reply.type() == ResponseType.ERROR) {
                throw new StoreUnavailableException("Redis could not write");
            }
        }
        return true;
    }

    /**
     * Waits a short random time.
     *
     * @param attempt the number of the attempt that is to follow
     * @return fails with {@link StoreUnavailableException} if that would be one attempt too many
     */
    public Future<Void> pauseBefore(int attempt) {
        if (attempt > MAX_ATTEMPTS) {
            return Future.failedFuture(new StoreUnavailableException("other servers kept changing the same key"));
        }
        int longest = (int) Math.min(MAX_PAUSE_MILLIS, 1L << attempt);
        return vertx.timer(ThreadLocalRandom.current().nextInt(1, longest + 1), TimeUnit.MILLISECONDS)
                .mapEmpty();
    }
}
