package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.net.ConnectException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The connections of one event loop to Redis, with the bounds that the client has not of its own: on waiting for a
 * connection, on every command, and on what a connection left in an unknown state can do to its next borrower.
 *
 * <p>All failures of Redis are {@link StoreUnavailableException}s.
 */
class RedisPool {
    /** Opened as needed. Enough that {@code appendfsync always} is shared by many transactions (a group commit). */
    private static final int MAX_CONNECTIONS = 16;

    /** Calls that may wait for a connection; one more is refused at once. */
    private static final int MAX_WAITING = 1024;

    private static final Pattern ERROR_CODE = Pattern.compile("(?:ERR \\[\\d+] )?+([A-Z_]+)\\b.*", Pattern.DOTALL);

    private final Redis redis;

    RedisPool(Vertx vertx, String url, Duration timeout) {
        this(vertx, url, timeout, MAX_CONNECTIONS);
    }

    RedisPool(Vertx vertx, String url, Duration timeout, int maxConnections) {
        this.redis = Redis.createClient(vertx, options(url, timeout, maxConnections, MAX_WAITING));
    }

    static RedisOptions options(String url, Duration timeout, int maxConnections, int maxWaiting) {
        var options = new RedisOptions()
                .setConnectionString(url)
                .setMaxPoolSize(maxConnections)
                .setMaxPoolWaiting(maxWaiting);
        // The socket's own bounds free a connection that is still being made, which nobody has in hand to close: a
        // frozen
        // Redis accepts connections and never greets. They end idle connections, too; the next call makes a new one.
        options.getNetClientOptions()
                .setConnectTimeout((int) timeout.toMillis())
                .setReadIdleTimeout((int) timeout.toMillis())
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
        return options;
    }

    /** Lends a connection; it goes back to the pool when the future that {@code use} returns is complete. */
    <T> Future<T> lease(Deadline deadline, Function<Lease, Future<T>> use) {
        Future<RedisConnection> connecting = redis.connect();
        return deadline.bound(connecting)
                .onFailure(late -> connecting.onSuccess(RedisConnection::close))
                .recover(RedisPool::unavailable)
                .compose(connection -> Future.succeededFuture(new Lease(connection, deadline))
                        .compose(use)
                        .onComplete(done -> giveBack(connection, done.succeeded())));
    }

    /** Sends commands that need no connection of their own, in one write; the replies are in their order. */
    Future<List<Response>> batch(Deadline deadline, Request... commands) {
        return lease(deadline, lease -> lease.batch(List.of(commands)));
    }

    /** Sends commands on a connection, in one write. */
    Future<List<Response>> send(RedisConnection connection, List<Request> commands) {
        return connection.batch(commands);
    }

    Future<Void> close() {
        return redis.close();
    }

    /**
     * The pool hands out connections as they were given back: with their WATCH, in the middle of a MULTI, or with a reply
     * still to come. So one whose state is unknown is thrown away: SELECT marks it as not reusable, whereupon {@code close}
     * closes its socket.
     */
    private static void giveBack(RedisConnection connection, boolean clean) {
        if (!clean) {
            markUnusable(connection);
        }
        connection.close();
    }

    static void markUnusable(RedisConnection connection) {
        connection.send(Request.cmd(Command.SELECT).arg(0));
    }

    /** Whether Redis answered, be it with an error; else the connection is in an unknown state. */
    static boolean isAnswer(Throwable failure) {
        return failure instanceof Response error
                && error.type() == ResponseType.ERROR
                && !String.valueOf(failure.getMessage()).contains("CONNECTION_CLOSED");
    }

    /**
     * Says what happened in words fit for a log: a client-side message can hold a whole command with its arguments, a
     * server-side one the start of them, so of these only the error code is taken.
     */
    private static <T> Future<T> unavailable(Throwable failure) {
        return Future.failedFuture(new StoreUnavailableException(reason(failure)));
    }

    static String reason(Throwable failure) {
        if (failure instanceof TimeoutException) {
            return "Redis did not answer in time";
        }
        if (failure instanceof Response error && error.type() == ResponseType.ERROR) {
            Matcher code = ERROR_CODE.matcher(String.valueOf(failure.getMessage()));
            boolean answered = code.matches() && !code.group(1).equals("CONNECTION_CLOSED");
            return answered
                    ? "Redis answered " + code.group(1)
                    : "the connection to Redis broke, or a command failed there";
        }
        if (failure instanceof ConnectException) {
            return "Redis refuses connections";
        }
        return "the connection to Redis failed (" + failure.getClass().getSimpleName() + ")";
    }

    /** A connection in hand, used by nobody else meanwhile. */
    final class Lease {
        private final RedisConnection connection;
        private final Deadline deadline;

        private Lease(RedisConnection connection, Deadline deadline) {
            this.connection = connection;
            this.deadline = deadline;
        }

        /** Sends commands in one write; fails where any of them does, and then tells no reply. */
        Future<List<Response>> batch(List<Request> commands) {
            return deadline.isOver()
                    ? unavailable(new TimeoutException())
                    : deadline.bound(send(connection, commands)).recover(RedisPool::unavailable);
        }

        /** Takes back every WATCH. Not waited for: what the next borrower sends comes after it. */
        void unwatch() {
            connection.send(Request.cmd(Command.UNWATCH));
        }
    }
}
