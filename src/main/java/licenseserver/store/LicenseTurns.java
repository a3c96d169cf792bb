package licenseserver.store;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import licenseserver.redis.StoreUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * Lets the calls of this process that change the same license run one after the other, in the order in which they
 * came, so that they do not conflict in Redis. All event loops share it. It holds nothing for a license that nobody is
 * changing.
 */
public final class LicenseTurns {
    /** Calls that are waiting or running, for all licenses together; one more is refused at once. */
    private static final int MAX_CALLS = 10_000;

    /** Calls that are waiting or running for one license, so that calls for one key cannot fill all places. */
    private static final int MAX_CALLS_FOR_ONE = 100;

    /** The last call in the line for a license, and how long that line is. */
    private record Place(Future<?> done, AtomicInteger lineLength) {}

    private final ConcurrentHashMap<String, Place> lastInLine = new ConcurrentHashMap<>();
    private final AtomicInteger calls = new AtomicInteger();

    /**
     * Runs a call on the caller's event loop after all earlier calls for this license have completed. Fails with
     * {@link StoreUnavailableException} if too many are waiting.
     *
     * @param call must complete within a bounded time
     */
    <T> Future<T> inTurn(Vertx vertx, String license, Supplier<Future<T>> call) {
        Place before = lastInLine.get(license);
        boolean isFull = calls.get() >= MAX_CALLS
                || (before != null && before.lineLength().get() >= MAX_CALLS_FOR_ONE);
        if (isFull) {
            return Future.failedFuture(new StoreUnavailableException("too many calls wait for their turn"));
        }
        Promise<T> done = Promise.promise();
        var previous = new AtomicReference<@Nullable Future<?>>();
        Place place = lastInLine.compute(license, (key, last) -> {
            previous.set(last == null ? null : last.done());
            return new Place(done.future(), last == null ? new AtomicInteger() : last.lineLength());
        });
        calls.incrementAndGet();
        place.lineLength().incrementAndGet();
        done.future().onComplete(completed -> {
            calls.decrementAndGet();
            place.lineLength().decrementAndGet();
            lastInLine.remove(license, place);
        });
        Future<?> predecessor = previous.get();
        if (predecessor == null) {
            run(call, done);
        } else {
            Context context = vertx.getOrCreateContext();
            predecessor.onComplete(completed -> context.runOnContext(turn -> run(call, done)));
        }
        return done.future();
    }

    private static <T> void run(Supplier<Future<T>> call, Promise<T> done) {
        Future.succeededFuture().compose(start -> call.get()).onComplete(done);
    }

    boolean isEmpty() {
        return lastInLine.isEmpty();
    }
}
