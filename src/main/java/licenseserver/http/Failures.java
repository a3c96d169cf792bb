package licenseserver.http;

import java.util.concurrent.TimeUnit;
import licenseserver.store.EmailTakenException;
import licenseserver.store.StoreUnavailableException;
import licenseserver.store.UnreadableLicenseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Maps what went wrong to an answer for the client, and to a line for the operator where there is something to do. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private long untold;
    private long nextLine = System.nanoTime();

    Reply replyTo(Throwable failure) {
        if (failure instanceof RefusedException refused) {
            return refused.reply();
        }
        if (failure instanceof EmailTakenException) {
            return Reply.EMAIL_TAKEN;
        }
        if (failure instanceof StoreUnavailableException unavailable) {
            tell(unavailable);
            return Reply.UNAVAILABLE;
        }
        if (failure instanceof UnreadableLicenseException unreadable) {
            LOG.error("A stored record is no license: {}", unreadable.getMessage());
            return Reply.UNREADABLE_LICENSE;
        }
        LOG.error("A call failed by a defect of this program", withoutMessage(failure));
        return Reply.INTERNAL_ERROR;
    }

    /** During an outage every call fails alike: one line every five seconds says how many did. */
    private void tell(StoreUnavailableException unavailable) {
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
