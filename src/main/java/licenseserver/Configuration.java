package licenseserver;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import licenseserver.access.AccessSettings;
import licenseserver.capability.Capability;
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
 * @param capabilities what the server can do, set as they declare
 */
record Configuration(
        HttpSettings http,
        AccessSettings access,
        @Nullable RedisSettings redis,
        Duration redisTimeout,
        EmbeddedSettings embedded,
        StoreSettings store,
        ShutdownSettings shutdown,
        List<Capability> capabilities) {

    /** Every setting there is, in the order of the documents. */
    static final List<Section> SECTIONS = sections(Wiring.CAPABILITIES);

    private static List<Section> sections(List<Capability.Declaration> declared) {
        var sections = new ArrayList<>(List.of(
                HttpSettings.SECTION,
                AccessSettings.SECTION,
                RedisSettings.SECTION,
                EmbeddedSettings.SECTION,
                StoreSettings.SECTION,
                ShutdownSettings.SECTION));
        declared.forEach(capability -> sections.addAll(capability.settings()));
        return List.copyOf(sections);
    }

    /**
     * Reads all settings from the environment and the settings file, as {@link Values#of} says.
     *
     * @throws ConfigException if a setting cannot be used, or if settings contradict each other
     */
    static Configuration load(Map<String, String> environment) {
        return load(environment, Wiring.CAPABILITIES);
    }

    /** The same for a server that can do other things. */
    static Configuration load(Map<String, String> environment, List<Capability.Declaration> declared) {
        Values values = Values.of(environment, sections(declared));
        var configuration = new Configuration(
                HttpSettings.from(values),
                AccessSettings.from(values),
                RedisSettings.from(values),
                values.get(RedisSettings.TIMEOUT),
                EmbeddedSettings.from(values),
                StoreSettings.from(values),
                ShutdownSettings.from(values),
                declared.stream()
                        .map(capability -> capability.make().apply(values))
                        .toList());
        if (configuration.redis != null && configuration.access.adminSecret() == null) {
            throw new ConfigException("ADMIN_SECRET is not set; with a REDIS_URL the server does not make one.");
        }
        return configuration;
    }

    /** Returns whether the events of histories are signed, or there are no histories. An embedded server makes a secret. */
    boolean signsHistories() {
        return redis == null
                || store.history().secret() != null
                || store.history().events() == 0;
    }
}
