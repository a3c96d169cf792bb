package licenseserver.redis;

import io.vertx.core.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The moment by which a call must have its answer, whatever it waits for. */
public final class Deadline {
    private final long nanoTime;

    private Deadline(long nanoTime) {
        this.nanoTime = nanoTime;
    }

    public static Deadline in(Duration time) {
        return new Deadline(System.nanoTime() + time.toNanos());
    }

    public boolean isOver() {
        return nanoTime - System.nanoTime() <= 0;
    }

    public long millisLeft() {
        return TimeUnit.NANOSECONDS.toMillis(nanoTime - System.nanoTime());
    }

    public Deadline earlier(Deadline other) {
        return nanoTime - other.nanoTime <= 0 ? this : other;
    }

    /** The same future, failed with a {@link java.util.concurrent.TimeoutException} where it is not there in time. */
    public <T> Future<T> bound(Future<T> future) {
        if (future.isComplete()) {
            return future;
        }
        return future.timeout(Math.max(1, millisLeft()), TimeUnit.MILLISECONDS);
    }
}
