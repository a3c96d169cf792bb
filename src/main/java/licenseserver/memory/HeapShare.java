package licenseserver.memory;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts how much of a share of the heap is in use: code that wants to hold something takes its weight first, and
 * gives it back at the end. The whole process has one object for each share; it can be used from any thread.
 */
public final class HeapShare {
    /** The shortest time between two lines in the log. */
    private static final Duration PAUSE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(HeapShare.class);

    private final long bytes;
    private final String refused;
    private final AtomicLong taken = new AtomicLong();
    private final AtomicLong refusals = new AtomicLong();
    private final AtomicLong lastTold = new AtomicLong(System.nanoTime() - PAUSE.toNanos());

    /**
     * Makes a share that is not in use yet.
     *
     * @param bytes its size
     * @param refused how the log names what was refused, after the number, for example {@code requests got 503}
     */
    public HeapShare(long bytes, String refused) {
        this.bytes = bytes;
        this.refused = refused;
    }

    /** Takes this many bytes. If fewer are left, takes nothing, counts a refusal, and returns false. */
    public boolean take(long weight) {
        if (taken.addAndGet(weight) <= bytes) {
            return true;
        }
        taken.addAndGet(-weight);
        refusals.incrementAndGet();
        tell();
        return false;
    }

    /** Gives back bytes that were taken. */
    public void giveBack(long weight) {
        taken.addAndGet(-weight);
    }

    /** Returns how many bytes are in use. */
    public long taken() {
        return taken.get();
    }

    private void tell() {
        long now = System.nanoTime();
        long last = lastTold.get();
        if (now - last >= PAUSE.toNanos() && lastTold.compareAndSet(last, now)) {
            LOG.warn("{} {}: their share of the heap, {} KB, is used up", refusals.getAndSet(0), refused, bytes / 1024);
        }
    }
}
