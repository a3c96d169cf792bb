package licenseserver.http;

import io.vertx.core.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Bounds how many calls of one kind an event loop has under way; one more is refused at once, before it costs anything. So
 * what is offered beyond what can be done neither takes memory nor makes those wait who are in.
 *
 * <p>The bound follows how long calls take, because no fixed one is right for a Redis that answers in a tenth of a
 * millisecond as well as for one that takes fifty: each call that took too long lowers it by a tenth, each other one raises
 * it by one. A line that grew too long is short again after one round, and a bound that fell too low is back after some
 * hundred calls.
 */
public final class CallLimit {
    /** A third of what a call may wait for Redis by default: who is let in is answered, not timed out in the line. */
    private static final long TOO_LONG_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private static final double FALL = 0.9;

    private static final Future<Reply> REFUSED =
            Future.failedFuture(new UnavailableException("more calls came than can be answered"));

    private final String name;
    private final int least;
    private final int most;
    private double limit;
    private int underWay;

    /**
     * A bound that moves between these two; at first it is the upper one.
     *
     * @param name what it bounds, in a word for the list of calls
     * @param least enough to keep all connections to Redis busy
     * @param most what takes little enough memory, and waits shortly enough while Redis is well
     */
    public CallLimit(String name, int least, int most) {
        this.name = name;
        this.least = least;
        this.most = most;
        this.limit = most;
    }

    String name() {
        return name;
    }

    /**
     * Makes the call, or fails with {@link UnavailableException} if too many are under way.
     *
     * @param isOutage whether a failure of the call shows that what answers it is overloaded or away
     */
    Future<Reply> admit(Supplier<Future<Reply>> call, Predicate<Throwable> isOutage) {
        if (underWay >= limit) {
            return REFUSED;
        }
        long begin = System.nanoTime();
        Future<Reply> answer = call.get();
        if (answer.isComplete()) {
            return answer;
        }
        underWay++;
        return answer.onComplete(done -> {
            underWay--;
            boolean tooLong =
                    System.nanoTime() - begin > TOO_LONG_NANOS || (done.failed() && isOutage.test(done.cause()));
            limit = tooLong ? Math.max(least, limit * FALL) : Math.min(most, limit + 1);
        });
    }
}
