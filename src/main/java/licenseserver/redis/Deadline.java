package licenseserver.redis;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The moment by which a call must have its answer, whatever it waits for. May be used from any thread. */
public final class Deadline {
    private final long nanoTime;

    private Deadline(long nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** The deadline that is this far from now. */
    public static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    /** Whether no time is left. */
    public boolean isOver() {
        return nanoTime - System.nanoTime() <= 0;
    }

    /** The time that is left, in milliseconds; zero or negative if the deadline is over. */
    long millisLeft() {
        return TimeUnit.NANOSECONDS.toMillis(nanoTime - System.nanoTime());
    }

    /**
     * A future that fails with a {@link java.util.concurrent.TimeoutException} if the given one is not complete by
     * the deadline.
     */
    <T> Future<T> bound(Future<T> future) {
        if (future.isComplete()) {
            return future;
        }
        return future.timeout(Math.max(1, millisLeft()), TimeUnit.MILLISECONDS);
    }
}
