package licenseserver;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import licenseserver.access.AccessSettings;
import licenseserver.api.LicenseSettings;
import licenseserver.config.ConfigException;
import licenseserver.config.Section;
import licenseserver.config.Values;
import licenseserver.http.HttpSettings;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.embedded.EmbeddedSettings;
import licenseserver.store.StoreSettings;
import org.jspecify.annotations.Nullable;

/**
 * All settings, each group declared beside what it configures.
 *
 * @param redis how Redis is reached; null if the server starts a Redis of its own
 * @param redisTimeout the longest that any call waits for Redis, including one of the server's own
 */
record Configuration(
        HttpSettings http,
        AccessSettings access,
        @Nullable RedisSettings redis,
        Duration redisTimeout,
        EmbeddedSettings embedded,
        LicenseSettings licenses,
        StoreSettings store,
        ShutdownSettings shutdown) {

    /** Every setting there is, in the order of the documents. */
    static final List<Section> SECTIONS = List.of(
            HttpSettings.SECTION,
            AccessSettings.SECTION,
            RedisSettings.SECTION,
            EmbeddedSettings.SECTION,
            LicenseSettings.SECTION,
            StoreSettings.SECTION,
            ShutdownSettings.SECTION);

    /**
     * Reads all settings from the environment and the settings file, as {@link Values#of} says.
     *
     * @throws ConfigException if a setting cannot be used, or if settings contradict each other
     */
    static Configuration load(Map<String, String> environment) {
        Values values = Values.of(environment, SECTIONS);
        var configuration = new Configuration(
                HttpSettings.from(values),
                AccessSettings.from(values),
                RedisSettings.from(values),
                values.get(RedisSettings.TIMEOUT),
                EmbeddedSettings.from(values),
                LicenseSettings.from(values),
                StoreSettings.from(values),
                ShutdownSettings.from(values));
        if (configuration.redis != null && configuration.access.adminSecret() == null) {
            throw new ConfigException("ADMIN_SECRET is not set; with a REDIS_URL the server does not make one.");
        }
        return configuration;
    }
}
