package licenseserver.http;

import io.vertx.core.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Limits how many calls of one kind are under way on an event loop. Another call is refused at once, before it costs
 * anything: it takes no memory, and the calls that were let in do not wait for it.
 *
 * <p>The limit follows the time that calls take, because no fixed limit suits both a Redis that answers in a tenth of
 * a millisecond and one that takes fifty. A call that took too long lowers the limit by a tenth; any other call
 * raises it by one. So a queue that has grown too long is short again after one round, and a limit that has fallen
 * too low is back after some hundred calls.
 */
public final class CallLimit {
    /**
     * A third of the time that a call may wait for Redis by default, so that admitted calls are answered and do not
     * time out in the queue.
     */
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
     * A limit that moves between two numbers and begins at the upper one.
     *
     * @param name what it limits, in one word for the list of calls
     * @param least enough calls to keep all connections to Redis busy
     * @param most few enough calls that they take little memory, and wait only briefly while Redis is well
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
     * Makes the call. Fails with {@link UnavailableException} if too many calls are under way.
     *
     * @param isOutage whether a failure of the call shows that whatever answers it is overloaded or away
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
