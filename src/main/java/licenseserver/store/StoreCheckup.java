package licenseserver.store;

import io.vertx.core.Future;
import java.util.ArrayList;
import java.util.List;
import licenseserver.license.Email;
import licenseserver.license.LicenseKey;
import licenseserver.redis.RedisCheckup.Finding;
import licenseserver.redis.RedisCheckup.Weight;
import licenseserver.redis.RedisContent;
import licenseserver.redis.RedisRight;

/** Tells the checkup of Redis which rights the store of licenses needs, and how many licenses there are. */
public final class StoreCheckup implements RedisContent {
    private static final String RECORD = RedisKeys.record(new LicenseKey("*"));
    private static final String INDEX = RedisKeys.index(new Email("*"));
    private static final String HISTORY = RedisKeys.history(new LicenseKey("*"));
    private static final String SIGNS = RedisKeys.signs(new LicenseKey("*"));

    private static final Finding UNSIGNED = new Finding(
            Weight.WARNING,
            "HISTORY_SECRET is not set: someone who can write to Redis can forge the history of a license unnoticed."
                    + " Set it to the same long, random text on all servers.");

    private final boolean nearCache;
    private final boolean isSigned;

    /**
     * The checkup of a store with these settings.
     *
     * @param nearCache whether Redis must feed a near cache
     * @param isSigned whether the events of histories are signed, or there are no histories
     */
    public StoreCheckup(boolean nearCache, boolean isSigned) {
        this.nearCache = nearCache;
        this.isSigned = isSigned;
    }

    @Override
    public List<RedisRight> rights() {
        var rights = new ArrayList<>(List.of(
                RedisRight.of(RECORD, "GET"),
                RedisRight.of(RECORD, "SET", ""),
                RedisRight.of(RECORD, "DEL"),
                RedisRight.of(RECORD, "STRLEN"),
                RedisRight.of(INDEX, "GET"),
                RedisRight.of(INDEX, "SET", ""),
                RedisRight.of(INDEX, "DEL"),
                RedisRight.of(HISTORY, "LINDEX", "0"),
                RedisRight.of(HISTORY, "LRANGE", "0", "0"),
                RedisRight.of(HISTORY, "RPUSH", ""),
                RedisRight.of(HISTORY, "LTRIM", "0", "0"),
                RedisRight.of(HISTORY, "DEL"),
                RedisRight.of(SIGNS, "HSET", "0", "0"),
                RedisRight.of(SIGNS, "HGETALL"),
                RedisRight.of(SIGNS, "HDEL", "0"),
                RedisRight.of(SIGNS, "DEL"),
                RedisRight.of(RecentEvents.STREAM, "XADD", "*", "event", ""),
                RedisRight.of(RecentEvents.STREAM, "XREVRANGE", "+", "-"),
                RedisRight.of(RecentEvents.STREAM, "DEL")));
        if (nearCache) {
            rights.add(RedisRight.withoutKey(RECORD, "CLIENT", "TRACKING", "OFF"));
        }
        return rights;
    }

    @Override
    public Future<List<Finding>> findings(Counter counter) {
        return counter.count(RECORD)
                .map(StoreCheckup::byCount)
                .otherwise(failure ->
                        new Finding(Weight.FACT, "The licenses were not counted: " + failure.getMessage() + "."))
                .map(count -> isSigned ? List.of(count) : List.of(count, UNSIGNED));
    }

    private static Finding byCount(long licenses) {
        return licenses == 0
                ? new Finding(
                        Weight.NOTICE,
                        "THE STORE IS NEW: it holds no licenses. If it should, this is another Redis or another data folder"
                                + " than before, or its data is lost.")
                : new Finding(
                        Weight.FACT, "The store holds " + licenses + (licenses == 1 ? " license." : " licenses."));
    }
}
