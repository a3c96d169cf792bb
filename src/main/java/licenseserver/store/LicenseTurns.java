package licenseserver.store;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Lets the calls of this process that change one license wait for each other, in the order they came, so that they need
 * no retries against each other in Redis. Shared by all event loops; holds nothing for a license that nobody is changing.
 */
public final class LicenseTurns {
    /** Calls in line or at work, over all licenses; one more is refused at once. */
    private static final int MAX_CALLS = 10_000;

    private final ConcurrentHashMap<String, Future<?>> lastInLine = new ConcurrentHashMap<>();
    private final AtomicInteger calls = new AtomicInteger();

    /**
     * Runs the call on the caller's event loop when all earlier ones for this license are complete.
     *
     * @param call must complete within a bounded time
     */
    <T> Future<T> inTurn(Vertx vertx, String license, Supplier<Future<T>> call) {
        if (calls.incrementAndGet() > MAX_CALLS) {
            calls.decrementAndGet();
            return Future.failedFuture(new StoreUnavailableException("too many calls wait for their turn"));
        }
        Promise<T> done = Promise.promise();
        Future<T> result = done.future().onComplete(completed -> {
            calls.decrementAndGet();
            lastInLine.remove(license, done.future());
        });
        Future<?> previous = lastInLine.put(license, done.future());
        if (previous == null) {
            run(call, done);
        } else {
            Context context = vertx.getOrCreateContext();
            previous.onComplete(completed -> context.runOnContext(turn -> run(call, done)));
        }
        return result;
    }

    private static <T> void run(Supplier<Future<T>> call, Promise<T> done) {
        Future.succeededFuture().compose(start -> call.get()).onComplete(done);
    }

    boolean isEmpty() {
        return lastInLine.isEmpty();
    }
}
