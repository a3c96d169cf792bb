package licenseserver.http;

import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns the failure of a call into its answer, and into a line for the operator if there is something to do. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final UnaryOperator<Throwable> translation;
    private long untold;
    private long nextLine = System.nanoTime();

    /**
     * Makes answers for the calls of one event loop.
     *
     * @param translation turns failures that calls are expected to have into {@link RefusedException} or {@link
     *     UnavailableException}, and returns all others as they are
     */
    Failures(UnaryOperator<Throwable> translation) {
        this.translation = translation;
    }

    /** Whether the failure shows that the call could not be answered now. */
    boolean isOutage(Throwable failure) {
        return translation.apply(failure) instanceof UnavailableException;
    }

    Reply replyTo(Throwable failure) {
        Throwable translated = translation.apply(failure);
        if (translated instanceof RefusedException refused) {
            return refused.reply();
        }
        if (translated instanceof UnavailableException unavailable) {
            tell(unavailable);
            return Reply.UNAVAILABLE;
        }
        LOG.error("A call failed by a defect of this program", withoutMessage(translated));
        return Reply.INTERNAL_ERROR;
    }

    /** During an outage every call fails alike: one line every five seconds says how many did. */
    private void tell(UnavailableException unavailable) {
        untold++;
        long now = System.nanoTime();
        if (now - nextLine >= 0) {
            LOG.warn("{} calls answered 503, the last because {}", untold, unavailable.getMessage());
            untold = 0;
            nextLine = now + PAUSE_NANOS;
        }
    }

    /** Where it happened, without the text, which may quote a key or an address. */
    private static Throwable withoutMessage(Throwable failure) {
        var trace = new Throwable(failure.getClass().getName());
        trace.setStackTrace(failure.getStackTrace());
        return trace;
    }
}
