package licenseserver.redis;

import io.vertx.core.Future;
import java.util.List;
import licenseserver.redis.RedisCheckup.Finding;

/** What one capability keeps in Redis, as far as the {@link RedisCheckup} needs to know it. */
@FunctionalInterface
public interface RedisContent {
    /** Counts keys. */
    @FunctionalInterface
    interface Counter {
        /**
         * Counts the keys that match a pattern, with pauses, so that calls do not wait for it.
         *
         * @param pattern as SCAN understands it
         * @return fails with {@link StoreUnavailableException}, whose message says why the keys cannot be counted
         */
        Future<Long> count(String pattern);
    }

    /**
     * The rights that the capability needs: every command that it gives, with every kind of key that it gives it for.
     */
    List<RedisRight> rights();

    /**
     * What the operator should know of the content itself: nothing, unless a capability says otherwise. Never fails.
     */
    default Future<List<Finding>> findings(Counter counter) {
        return Future.succeededFuture(List.of());
    }
}
