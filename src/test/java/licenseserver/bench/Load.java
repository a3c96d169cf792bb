package licenseserver.bench;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Sends calls to a server over connections that are kept, one at a time on each, and checks every answer.
 *
 * <p>At a fixed rate, each call has an intended time, and its latency counts from there: a call that had to wait because all
 * connections were busy has waited, just as its sender would have.
 */
final class Load {
    /** How long a run may take beyond its time; then the server does not answer any more. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** How often it is looked whether a call is due; timers of Vert.x do not go below a millisecond. */
    private static final long PACE_NANOS = 50_000;

    private final NetClient client;
    private final Context context;

    Load(Vertx vertx) {
        this.client = vertx.createNetClient();
        this.context = vertx.getOrCreateContext();
    }

    /** As many as can be: each connection calls as soon as its last call is answered. */
    Result most(int port, int connections, Duration duration, Supplier<Call> calls) {
        return run(port, connections, new Plan(duration.toNanos(), Long.MAX_VALUE, Double.POSITIVE_INFINITY), calls);
    }

    /** So many, as fast as can be. */
    Result count(int port, int connections, long count, Supplier<Call> calls) {
        return run(port, connections, new Plan(Long.MAX_VALUE, count, Double.POSITIVE_INFINITY), calls);
    }

    /** At a fixed rate. */
    Result steady(int port, int connections, Duration duration, double perSecond, Supplier<Call> calls) {
        long count = (long) (perSecond * duration.toNanos() / 1e9);
        return run(port, connections, new Plan(Long.MAX_VALUE, count, perSecond / 1e9), calls);
    }

    private Result run(int port, int connections, Plan plan, Supplier<Call> calls) {
        var run = new Run(plan, calls);
        context.runOnContext(now -> run.start(port, connections));
        var result = run.over.future().toCompletionStage().toCompletableFuture();
        try {
            long planned = plan.nanos == Long.MAX_VALUE ? (long) (plan.calls / plan.perNano) : plan.nanos;
            long end = System.nanoTime() + planned + PATIENCE.toNanos();
            while (plan.isPaced() && !result.isDone() && System.nanoTime() - end < 0) {
                context.runOnContext(now -> run.sendDue());
                LockSupport.parkNanos(PACE_NANOS);
            }
            return result.get(Math.max(1, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new IllegalStateException("The load could not be driven to its end", e);
        }
    }

    /** How long, at most how many, and how many a nanosecond: a load ends by time or by count. */
    private record Plan(long nanos, long calls, double perNano) {
        boolean isPaced() {
            return perNano != Double.POSITIVE_INFINITY;
        }
    }

    /** One run; all of it happens on one event loop. */
    private final class Run {
        private final Plan plan;
        private final Supplier<Call> calls;
        private final Promise<Result> over = Promise.promise();
        private final ArrayDeque<Connection> free = new ArrayDeque<>();
        private final Histogram latency = new Histogram(3);
        private long start;
        private long begun;
        private long answered;
        private long errors;
        private @Nullable String example;

        Run(Plan plan, Supplier<Call> calls) {
            this.plan = plan;
            this.calls = calls;
        }

        void start(int port, int connections) {
            var connects = new ArrayList<Future<NetSocket>>();
            for (int i = 0; i < connections; i++) {
                connects.add(client.connect(port, "127.0.0.1"));
            }
            Future.all(connects).onFailure(over::tryFail).onSuccess(all -> {
                connects.forEach(connected -> free.add(new Connection(this, connected.result())));
                start = System.nanoTime();
                sendDue();
            });
        }

        void sendDue() {
            if (start == 0 || over.future().isComplete()) {
                return;
            }
            long now = System.nanoTime();
            double due = plan.isPaced() ? (now - start) * plan.perNano : Double.POSITIVE_INFINITY;
            while (!free.isEmpty() && !hasSentAll(now) && begun <= due) {
                long intended = plan.isPaced() ? start + (long) (begun / plan.perNano) : now;
                begun++;
                free.remove().send(calls.get(), intended);
            }
            if (hasSentAll(now) && answered == begun) {
                over.complete(new Result(answered, errors, example, (now - start) / 1e9, latency));
                free.forEach(Connection::close);
            }
        }

        private boolean hasSentAll(long now) {
            return begun >= plan.calls || now - start >= plan.nanos;
        }

        void answered(Connection connection, boolean right, String answer, long intended) {
            latency.recordValue(System.nanoTime() - intended);
            answered++;
            if (!right) {
                errors++;
                example = answer;
            }
            free.add(connection);
            sendDue();
        }
    }

    /** A connection, with the call that it waits for. */
    private static final class Connection {
        private final Run run;
        private final NetSocket socket;
        private @Nullable Call call;
        private long intended;
        private String received = "";

        Connection(Run run, NetSocket socket) {
            this.run = run;
            this.socket = socket;
            socket.handler(chunk -> receive(chunk.toString(StandardCharsets.ISO_8859_1)));
            socket.closeHandler(closed -> run.over.tryFail("The server closed a connection"));
        }

        void send(Call next, long intendedTime) {
            call = next;
            intended = intendedTime;
            received = "";
            socket.write(next.request());
        }

        private void receive(String chunk) {
            received = received.isEmpty() ? chunk : received + chunk;
            if (call != null && Call.size(received) >= 0) {
                boolean right = call.isAnsweredBy(received);
                call = null;
                run.answered(this, right, received, intended);
            }
        }

        void close() {
            socket.close();
        }
    }
}
