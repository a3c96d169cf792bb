package licenseserver.store;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads single keys at the rate of validations. All GETs that come up in one turn of the event loop go out in one write on one
 * long-lived connection: a write, not the command, is what costs; one each, on connections from a pool, is half as fast.
 *
 * <p>The connection is made anew every 45 s, so that it follows a failover, and at once when it breaks or does not answer in
 * time. All its work is done on the event loop it is made on; asked from there, it does not change threads.
 */
final class RedisReader {
    /** Reads that may wait for a connection; one more is refused at once. */
    private static final int MAX_WAITING = 10_000;

    private static final int MAX_BATCH = 256;
    private static final int MAX_IN_FLIGHT = 16_384;
    private static final Duration LEASE = Duration.ofSeconds(45);
    private static final Duration PAUSE_AFTER_FAILURE = Duration.ofMillis(50);

    /** One read that is asked for. */
    private record Read(Request command, Promise<Optional<String>> answer, Deadline deadline) {}

    /** A connection that is in use until it is dropped. */
    private static final class Line {
        private final RedisConnection connection;
        private final long leasedUntil;
        private int inFlight;
        private boolean dropped;
        private boolean closed;

        Line(RedisConnection connection, Duration lease) {
            this.connection = connection;
            this.leasedUntil = System.nanoTime() + lease.toNanos();
        }

        boolean isOverdue() {
            return System.nanoTime() - leasedUntil > 0;
        }
    }

    private final Vertx vertx;
    private final Context context;
    private final Redis redis;
    private final Duration timeout;
    private final Duration lease;
    private final ArrayDeque<Read> waiting = new ArrayDeque<>();
    private volatile @Nullable Thread eventLoop;
    private @Nullable Line line;
    private boolean flushing;
    private boolean connecting;

    RedisReader(Vertx vertx, String url, Duration timeout) {
        this(vertx, url, timeout, LEASE);
    }

    /** A reader that makes its connection anew when it is in use for so long. */
    RedisReader(Vertx vertx, String url, Duration timeout, Duration lease) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.redis = Redis.createClient(vertx, options(url, timeout));
        this.timeout = timeout;
        this.lease = lease;
        context.runOnContext(turn -> eventLoop = Thread.currentThread());
    }

    private static RedisOptions options(String url, Duration timeout) {
        RedisOptions options = RedisPool.options(url, timeout, 2, 16);
        options.setMaxWaitingHandlers(MAX_IN_FLIGHT);
        return options;
    }

    /**
     * What lies under the key; empty where there is nothing. Reads once more where the connection broke: it may have been closed
     * in the instant it was used.
     */
    Future<Optional<String>> get(String key, Deadline deadline) {
        return getOnce(key, deadline)
                .recover(failure ->
                        deadline.isOver() ? Future.failedFuture(failure) : bounded(getOnce(key, deadline), deadline));
    }

    /** A second attempt may have to wait for a connection, for which there may be less time left than connecting can take. */
    private static <T> Future<T> bounded(Future<T> future, Deadline deadline) {
        return deadline.bound(future)
                .recover(failure -> failure instanceof TimeoutException
                        ? Future.failedFuture(new StoreUnavailableException(RedisPool.reason(failure)))
                        : Future.failedFuture(failure));
    }

    private Future<Optional<String>> getOnce(String key, Deadline deadline) {
        var read = new Read(Request.cmd(Command.GET).arg(key), Promise.promise(), deadline);
        if (Thread.currentThread() == eventLoop) {
            add(read);
        } else {
            context.runOnContext(turn -> add(read));
        }
        return read.answer().future();
    }

    private void add(Read read) {
        if (waiting.size() >= MAX_WAITING) {
            read.answer().fail(new StoreUnavailableException("too many reads wait for Redis"));
            return;
        }
        waiting.add(read);
        if (!flushing) {
            flushing = true;
            context.runOnContext(turn -> flush());
        }
    }

    Future<Void> close() {
        return redis.close();
    }

    /** Runs after all that the event loop has read in this turn was handled, so with all the reads that came of it. */
    private void flush() {
        flushing = false;
        Line now = line;
        if (now != null && now.isOverdue()) {
            drop(now);
            now = null;
        }
        if (now == null) {
            connect();
            return;
        }
        while (!waiting.isEmpty()) {
            var batch = new ArrayList<Read>(Math.min(waiting.size(), MAX_BATCH));
            while (batch.size() < MAX_BATCH && !waiting.isEmpty()) {
                batch.add(waiting.poll());
            }
            send(now, batch);
        }
    }

    private void send(Line on, List<Read> batch) {
        on.inFlight++;
        Deadline deadline = batch.get(0).deadline();
        for (Read read : batch) {
            deadline = deadline.earlier(read.deadline());
        }
        deadline.bound(on.connection.batch(batch.stream().map(Read::command).toList()))
                .onComplete(result -> {
                    on.inFlight--;
                    if (result.succeeded()) {
                        List<Response> replies = result.result();
                        for (int i = 0; i < batch.size(); i++) {
                            batch.get(i).answer().complete(RedisKeys.text(replies.get(i)));
                        }
                    } else {
                        fail(on, batch, result.cause());
                    }
                    closeWhenUnused(on);
                });
    }

    /** A batch fails as a whole where one of its reads does; asked for one by one the others are answered. */
    private void fail(Line on, List<Read> batch, Throwable failure) {
        boolean answered = RedisPool.isAnswer(failure);
        if (!answered) {
            drop(on);
        }
        for (Read read : batch) {
            if (answered && batch.size() > 1) {
                send(on, List.of(read));
            } else {
                read.answer().fail(new StoreUnavailableException(RedisPool.reason(failure)));
            }
        }
    }

    /** Gives the connection up; what is in flight on it is still answered. */
    private void drop(Line old) {
        old.dropped = true;
        if (line == old) {
            line = null;
        }
        closeWhenUnused(old);
    }

    /** Closes for good: what goes back to the pool comes out of it again, and would be no new connection. */
    private static void closeWhenUnused(Line old) {
        if (old.dropped && old.inFlight == 0 && !old.closed) {
            old.closed = true;
            RedisPool.markUnusable(old.connection);
            old.connection.close();
        }
    }

    private void connect() {
        if (connecting) {
            return;
        }
        connecting = true;
        Future<RedisConnection> coming = redis.connect();
        Deadline.in(timeout)
                .bound(coming)
                .onSuccess(connection -> {
                    connecting = false;
                    var opened = new Line(connection, lease);
                    connection.endHandler(closed -> drop(opened));
                    connection.exceptionHandler(broken -> drop(opened));
                    line = opened;
                    flush();
                })
                .onFailure(failure -> {
                    coming.onSuccess(RedisConnection::close);
                    String reason = RedisPool.reason(failure);
                    // Some of them ask again at once.
                    List<Read> failing = List.copyOf(waiting);
                    waiting.clear();
                    failing.forEach(read -> read.answer().fail(new StoreUnavailableException(reason)));
                    vertx.timer(PAUSE_AFTER_FAILURE.toMillis(), TimeUnit.MILLISECONDS)
                            .onComplete(over -> {
                                connecting = false;
                                if (!waiting.isEmpty()) {
                                    flush();
                                }
                            });
                });
    }
}
