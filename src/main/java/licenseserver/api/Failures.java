package licenseserver.api;

import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import licenseserver.http.RefusedException;
import licenseserver.http.Reply;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.EmailTakenException;
import licenseserver.store.UnreadableLicenseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Maps what went wrong to an answer for the client, and to a line for the operator where there is something to do. */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final int MAX_RECORDS = 1000;

    /** Of all event loops: what is wrong with a record and a hash of its text, for the last ones that were told of. */
    private static final Map<String, Boolean> TOLD = Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumSize(MAX_RECORDS)
            .<String, Boolean>build()
            .asMap();

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
            tell(unreadable);
            return Reply.UNREADABLE_LICENSE;
        }
        LOG.error("A call failed by a defect of this program", withoutMessage(failure));
        return Reply.INTERNAL_ERROR;
    }

    /** Customers' apps ask for the same record again and again: one line, until it changes. */
    private static void tell(UnreadableLicenseException unreadable) {
        String told = unreadable.getMessage() + " " + unreadable.record().hashCode();
        if (TOLD.putIfAbsent(told, true) == null) {
            LOG.error("A stored license cannot be read: {}. See /license-info", unreadable.getMessage());
        }
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
