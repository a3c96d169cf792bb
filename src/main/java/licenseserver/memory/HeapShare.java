package licenseserver.memory;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of one share of the heap is in use: whoever holds something takes its weight first and gives it back at the
 * end. One for the whole process; may be used from any thread.
 */
public final class HeapShare {
    /** How often at most the operator is told. */
    private static final Duration PAUSE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(HeapShare.class);

    private final long bytes;
    private final String refused;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong refusals = new AtomicLong();
    private final AtomicLong lastTold = new AtomicLong(System.nanoTime() - PAUSE.toNanos());

    /**
     * A share of which nothing is in use.
     *
     * @param bytes its size
     * @param refused what the operator is told was refused, after its number: for example {@code requests got 503}
     */
    public HeapShare(long bytes, String refused) {
        this.bytes = bytes;
        this.refused = refused;
    }

    /** Takes so many bytes; or takes nothing, counts a refusal, and returns false if they are more than is left. */
    public boolean take(long weight) {
        if (taken.addAndGet(weight) <= bytes) {
            return true;
        }
        taken.addAndGet(-weight);
        refusals.incrementAndGet();
        tell();
        return false;
    }

    /** Gives back what was taken. */
    public void giveBack(long weight) {
        taken.addAndGet(-weight);
    }

    /** How many bytes are in use. */
    public long taken() {
        return taken.get();
    }

    /** Whether at least half of it is in use. */
    public boolean isHalfTaken() {
        return taken.get() >= bytes / 2;
    }

    private void tell() {
        long now = System.nanoTime();
        long last = lastTold.get();
        if (now - last >= PAUSE.toNanos() && lastTold.compareAndSet(last, now)) {
            LOG.warn("{} {}: their share of the heap, {} KB, is used up", refusals.getAndSet(0), refused, bytes / 1024);
        }
    }
}
