package licenseserver.api;

import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.Map;
import licenseserver.http.RefusedException;
import licenseserver.http.UnavailableException;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.EmailTakenException;
import licenseserver.store.UnreadableLicenseException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says what the failures of the store mean to the client of a call. */
public final class StoreFailures {
    private static final Logger LOG = LoggerFactory.getLogger(StoreFailures.class);
    private static final int MAX_RECORDS = 1000;

    /**
     * For all event loops: what is wrong with a record and a hash of its text, for the last records that the log
     * named.
     */
    private static final Map<String, Boolean> TOLD = Caffeine.newBuilder()
            .executor(Runnable::run)
            .maximumSize(MAX_RECORDS)
            .<String, Boolean>build()
            .asMap();

    private StoreFailures() {}

    /**
     * Returns a failure of the store as one that HTTP knows, and any other failure as it is. A record that cannot be
     * read is named in the log, once.
     */
    public static Throwable translate(Throwable failure) {
        if (failure instanceof StoreUnavailableException) {
            return new UnavailableException(String.valueOf(failure.getMessage()));
        }
        if (failure instanceof EmailTakenException) {
            return new RefusedException(Refusals.EMAIL_TAKEN);
        }
        if (failure instanceof UnreadableLicenseException unreadable) {
            tell(unreadable);
            return new RefusedException(Refusals.UNREADABLE_LICENSE);
        }
        return failure;
    }

    /** Customers' apps ask for the same record again and again: one line, until it changes. */
    private static void tell(UnreadableLicenseException unreadable) {
        String told = unreadable.getMessage() + " " + unreadable.record().hashCode();
        if (TOLD.putIfAbsent(told, true) == null) {
            LOG.error("A stored license cannot be read: {}. See /license-info", unreadable.getMessage());
        }
    }
}
