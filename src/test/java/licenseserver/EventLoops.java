package licenseserver;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.internal.threadchecker.BlockedThreadEvent;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Event loops that no single task may hold. Vert.x tells of a task that takes longer than {@value #SUSPICIOUS_MILLIS} ms; on a
 * busy machine that can be any. So a task is only blamed if it then computes for another {@value #SUSPICIOUS_MILLIS} ms of
 * processor time, waits for something at two looks in succession, or takes {@value #LONGEST_MILLIS} ms in all.
 */
public final class EventLoops {
    private static final long SUSPICIOUS_MILLIS = 250;
    private static final long LONGEST_MILLIS = 10_000;
    private static final long INTERVAL_MILLIS = 50;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final Map<Vertx, EventLoops> WATCHED = Collections.synchronizedMap(new WeakHashMap<>());

    /** A task that is taking long. */
    private record Suspect(long duration, long processorNanos, boolean isWaiting) {}

    private final Map<Thread, Suspect> suspects = new HashMap<>();
    private @Nullable AssertionError blocked;

    private EventLoops() {}

    /** A Vert.x with as many event loops as it makes by itself. */
    public static Vertx watched() {
        return watched(new VertxOptions());
    }

    /** A Vert.x with these options. */
    public static Vertx watched(VertxOptions options) {
        Vertx vertx = Vertx.vertx(options.setMaxEventLoopExecuteTime(SUSPICIOUS_MILLIS)
                .setMaxEventLoopExecuteTimeUnit(TimeUnit.MILLISECONDS)
                .setBlockedThreadCheckInterval(INTERVAL_MILLIS)
                .setBlockedThreadCheckIntervalUnit(TimeUnit.MILLISECONDS));
        var loops = new EventLoops();
        WATCHED.put(vertx, loops);
        ((VertxInternal) vertx).blockedThreadChecker().setThreadBlockedHandler(loops::look);
        return vertx;
    }

    /**
     * Throws an {@link AssertionError} with the stack of the first task that held an event loop of this Vert.x, if any did since it was
     * asked last.
     */
    public static void assertNeverBlocked(Vertx vertx) {
        EventLoops loops = WATCHED.get(vertx);
        if (loops != null) {
            loops.assertNeverBlocked();
        }
    }

    private synchronized void assertNeverBlocked() {
        AssertionError found = blocked;
        blocked = null;
        if (found != null) {
            throw found;
        }
    }

    private synchronized void look(BlockedThreadEvent event) {
        Thread thread = event.thread();
        if (!thread.getName().contains("eventloop")) {
            return;
        }
        boolean isWaiting = thread.getState() != Thread.State.RUNNABLE;
        long processorNanos = THREADS.getThreadCpuTime(thread.getId());
        Suspect before = suspects.get(thread);
        if (before == null || before.duration() > event.duration()) {
            suspects.put(thread, new Suspect(event.duration(), processorNanos, isWaiting));
            return;
        }
        boolean computes = processorNanos - before.processorNanos() > TimeUnit.MILLISECONDS.toNanos(SUSPICIOUS_MILLIS);
        boolean isEndless = event.duration() > TimeUnit.MILLISECONDS.toNanos(LONGEST_MILLIS);
        if (blocked == null && (computes || isEndless || (before.isWaiting() && isWaiting))) {
            blocked = new AssertionError("A task held the event loop " + thread.getName() + " for "
                    + TimeUnit.NANOSECONDS.toMillis(event.duration()) + " ms");
            blocked.setStackTrace(thread.getStackTrace());
        }
        suspects.put(thread, new Suspect(event.duration(), before.processorNanos(), isWaiting));
    }
}
