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
 * Changes what lies under a key of Redis in one step, from what was there to what a function makes of it.
 *
 * <p>This is optimistic locking. On a connection of its own, WATCH tells Redis to remember the key, and the reads read it, and
 * what else only changes together with it. On what was read is decided here, in this process, while anyone else may write.
 * Then MULTI, the writes and EXEC go out together: Redis runs them as one step, and only if nobody has written the key since
 * the WATCH; else it does nothing and answers EXEC with null, and all begins again with what the other one wrote. So no change
 * is ever based on a state that is no more, and no lock is held by a server that may die.
 *
 * <p>A connection must not go back to the pool with its WATCH: the next borrower's EXEC would fail for a key that it never
 * asked for. EXEC takes the WATCH back by itself; where nothing is to be written UNWATCH does; and after any failure the
 * connection is thrown away.
 *
 * <p>Where the answer to EXEC does not arrive, the change may have been made or not. That is reported as {@link
 * StoreUnavailableException}; every change is such that it can be asked for again. Before that, nothing has happened yet, and the
 * pool begins again, maybe at another server.
 */
public final class RedisTransactions {
    /** How often a change is tried that others keep overtaking. Only other servers can: those of this one take turns. */
    public static final int MAX_ATTEMPTS = 20;

    /** The longest pause before a further attempt, in milliseconds; each is drawn at random, to part those who collided. */
    private static final int MAX_PAUSE_MILLIS = 32;

    private final Vertx vertx;
    private final RedisPool redis;

    public RedisTransactions(Vertx vertx, RedisPool redis) {
        this.vertx = vertx;
        this.redis = redis;
    }

    /**
     * What is to be written, if anything, and the answer that is good once it is written.
     *
     * @param writes commands on the watched key and on others in its cluster slot
     */
    public record Change<R>(List<Request> writes, R answer) {}

    /**
     * Changes what lies under a key.
     *
     * @param reads commands on the key and on others in its cluster slot
     * @param decide from their replies to what is to be written; called again after a lost race or at another server
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

    /** A short random pause; fails where that attempt is one too many. */
    public Future<Void> pauseBefore(int attempt) {
        if (attempt > MAX_ATTEMPTS) {
            return Future.failedFuture(new StoreUnavailableException("other servers kept changing the same license"));
        }
        int longest = (int) Math.min(MAX_PAUSE_MILLIS, 1L << attempt);
        return vertx.timer(ThreadLocalRandom.current().nextInt(1, longest + 1), TimeUnit.MILLISECONDS)
                .mapEmpty();
    }
}
