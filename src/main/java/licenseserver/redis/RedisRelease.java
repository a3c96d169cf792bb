package licenseserver.redis;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Knows which releases of Redis still get security fixes. */
public final class RedisRelease {
    private static final Pattern REDIS = Pattern.compile("Redis (\\d{1,4})\\.(\\d{1,4})\\b.*");

    private RedisRelease() {}

    /**
     * Says since when a release has had no security fixes. The dates are from endoflife.date and from the security
     * policy of Redis, as of March 2026. All releases of Valkey were supported at that time, 7.2 until April 2027. An
     * unknown release counts as a newer one.
     *
     * @param release name and version, such as {@code Redis 6.2.11} or {@code Valkey 8.0.1}
     * @return a sentence without a full stop; empty if it gets fixes
     */
    public static Optional<String> endOfSupport(String release) {
        Matcher redis = REDIS.matcher(release);
        if (!redis.matches()) {
            return Optional.empty();
        }
        int line = Integer.parseInt(redis.group(1)) * 100 + Integer.parseInt(redis.group(2));
        String since = switch (line) {
            case 800 -> "since February 2026";
            case 700 -> "since July 2024";
            case 602 -> "since the end of 2025";
            default -> line < 602 ? "since 2022 or earlier" : "";
        };
        return since.isEmpty()
                ? Optional.empty()
                : Optional.of(release + " has had no security fixes from its makers " + since
                        + ". Use Redis 7.4, 8.2 or newer, or Valkey, unless your distribution still mends this one");
    }
}
