package licenseserver;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import licenseserver.license.Policy;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;

/**
 * All settings. {@code conf/license-server.env} says what each is for.
 *
 * @param host the address to listen on
 * @param port the port to listen on; 0 for any that is free
 * @param redisUrl where Redis is; null for one of the server's own
 * @param adminSecret what admin calls are made with; null, only where redisUrl is, for one that the server makes
 * @param maxMachines how many machines a new license allows
 * @param policy what is done where a license's own terms do not say
 * @param historyEvents how many events the history of a license keeps
 * @param dataDir where the server's own Redis keeps its files
 * @param corsOrigin which web pages may read the answers: an origin, or {@code *} for all
 * @param idleTimeout after which a silent client connection is closed
 * @param bodyTimeout the longest that a client may take to send a request's body
 * @param redisTimeout the longest that any call waits for Redis
 * @param nearCache whether licenses are remembered, so that most validations need not ask Redis
 * @param validateStaleness how old a remembered license may be for a "yes" while Redis does not answer; zero for not at all
 * @param shutdownTimeout the longest that stopping may take
 */
public record Config(
        String host,
        int port,
        @Nullable String redisUrl,
        @Nullable String adminSecret,
        int maxMachines,
        Policy policy,
        int historyEvents,
        Path dataDir,
        String corsOrigin,
        Duration idleTimeout,
        Duration bodyTimeout,
        Duration redisTimeout,
        boolean nearCache,
        Duration validateStaleness,
        Duration shutdownTimeout) {

    /** Every setting and its default; empty for none. Those in {@link #SECRETS} exist with {@code _FILE} behind them, too. */
    static final Map<String, String> DEFAULTS = defaults();

    static final Set<String> SECRETS = Set.of("REDIS_URL", "ADMIN_SECRET");

    private static final String FILE_SUFFIX = "_FILE";
    private static final Path DEFAULT_FILE = Path.of("conf", "license-server.env");

    private static Map<String, String> defaults() {
        var defaults = new LinkedHashMap<String, String>();
        defaults.put("HOST", "0.0.0.0");
        defaults.put("PORT", "8080");
        defaults.put("REDIS_URL", "");
        defaults.put("ADMIN_SECRET", "");
        defaults.put("MAX_MACHINES", "3");
        defaults.put("IDLE_DAYS", "0");
        defaults.put("NEW_MACHINES_PER_30_DAYS", "0");
        defaults.put("HISTORY_EVENTS", "200");
        defaults.put("DATA_DIR", "data");
        defaults.put("CORS_ORIGIN", "*");
        defaults.put("IDLE_TIMEOUT_SECONDS", "75");
        defaults.put("BODY_TIMEOUT_SECONDS", "10");
        defaults.put("REDIS_TIMEOUT_MILLIS", "1500");
        defaults.put("NEAR_CACHE", "false");
        defaults.put("VALIDATE_STALE_SECONDS", "0");
        defaults.put("SHUTDOWN_TIMEOUT_SECONDS", "10");
        return defaults;
    }

    /**
     * Reads the file that {@code CONFIG_FILE} names, else {@code conf/license-server.env} where there is one, and over it the
     * environment.
     *
     * @throws ConfigException where a setting cannot be used
     */
    static Config load(Map<String, String> environment) {
        String named = environment.getOrDefault("CONFIG_FILE", "");
        if (!named.isEmpty()) {
            return of(readFile(Path.of(named)), environment);
        }
        return of(Files.exists(DEFAULT_FILE) ? readFile(DEFAULT_FILE) : Map.of(), environment);
    }

    private static Config of(Map<String, String> file, Map<String, String> environment) {
        var settings = new Settings(file, environment);
        String redisUrl = settings.secret("REDIS_URL");
        String adminSecret = settings.secret("ADMIN_SECRET");
        if (redisUrl != null) {
            requireRedisUrl(redisUrl);
            if (adminSecret == null) {
                throw new ConfigException("ADMIN_SECRET is not set; with a REDIS_URL the server does not make one.");
            }
        }
        if (adminSecret != null && !adminSecret.matches("[!-~]+")) {
            throw new ConfigException(
                    "ADMIN_SECRET holds a character that a header cannot carry; use visible ASCII without spaces.");
        }
        String corsOrigin = settings.text("CORS_ORIGIN");
        if (!corsOrigin.matches("[!-~]+")) {
            throw new ConfigException("CORS_ORIGIN is no origin: use one such as https://example.com, or *.");
        }
        boolean nearCache = settings.choice("NEAR_CACHE");
        Duration validateStaleness = Duration.ofSeconds(settings.integer("VALIDATE_STALE_SECONDS", 0, 604_800));
        if (!nearCache && !validateStaleness.isZero()) {
            throw new ConfigException(
                    "VALIDATE_STALE_SECONDS needs what the near cache remembers: set NEAR_CACHE=true, too.");
        }
        return new Config(
                settings.text("HOST"),
                settings.integer("PORT", 0, 65_535),
                redisUrl,
                adminSecret,
                settings.integer("MAX_MACHINES", 1, Terms.MOST_MACHINES),
                new Policy(
                        settings.integer("IDLE_DAYS", 0, 36_500),
                        settings.integer("NEW_MACHINES_PER_30_DAYS", 0, Terms.MOST_MACHINES)),
                settings.integer("HISTORY_EVENTS", 0, 10_000),
                Path.of(settings.text("DATA_DIR")),
                corsOrigin,
                Duration.ofSeconds(settings.integer("IDLE_TIMEOUT_SECONDS", 1, 3600)),
                Duration.ofSeconds(settings.integer("BODY_TIMEOUT_SECONDS", 1, 3600)),
                Duration.ofMillis(settings.integer("REDIS_TIMEOUT_MILLIS", 10, 10_000)),
                nearCache,
                validateStaleness,
                Duration.ofSeconds(settings.integer("SHUTDOWN_TIMEOUT_SECONDS", 1, 3600)));
    }

    private static void requireRedisUrl(String url) {
        try {
            URI uri = new URI(url);
            boolean usable = "redis".equals(uri.getScheme())
                    && uri.getHost() != null
                    && (uri.getPort() == -1 || (uri.getPort() >= 1 && uri.getPort() <= 65_535))
                    && (uri.getPath().isEmpty() || uri.getPath().matches("/\\d{0,4}"));
            if (usable) {
                return;
            }
        } catch (URISyntaxException unusable) {
            // Its message quotes the URL, which holds a password.
        }
        throw new ConfigException(
                "REDIS_URL is no Redis address: use redis://[[user]:password@]host[:port][/database].");
    }

    private static Map<String, String> readFile(Path file) {
        var settings = new HashMap<String, String>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (line.isBlank() || line.stripLeading().startsWith("#")) {
                    continue;
                }
                int equals = line.indexOf('=');
                if (equals < 0) {
                    throw new ConfigException("Line " + number + " of " + file + " is not of the form NAME=value.");
                }
                String name = line.substring(0, equals).strip();
                boolean known = DEFAULTS.containsKey(name)
                        || SECRETS.stream().anyMatch(secret -> name.equals(secret + FILE_SUFFIX));
                if (!known) {
                    throw new ConfigException(
                            "Line " + number + " of " + file + " has an unknown setting: " + name + ".");
                }
                if (settings.put(name, line.substring(equals + 1).strip()) != null) {
                    throw new ConfigException(name + " is set twice in " + file + ".");
                }
            }
        } catch (IOException e) {
            throw new ConfigException("The configuration file " + file + " cannot be read.");
        }
        return settings;
    }

    /** Shows no setting: two of them are secrets. */
    @Override
    public String toString() {
        return "Config";
    }

    /** The environment over the file over the defaults. An empty value is none. */
    private record Settings(Map<String, String> file, Map<String, String> environment) {
        String text(String name) {
            for (Map<String, String> source : List.of(environment, file, DEFAULTS)) {
                String value = source.getOrDefault(name, "");
                if (!value.isEmpty()) {
                    return value;
                }
            }
            return "";
        }

        int integer(String name, int min, int max) {
            try {
                int value = Integer.parseInt(text(name));
                if (value >= min && value <= max) {
                    return value;
                }
            } catch (NumberFormatException e) {
                // The sentence below says it.
            }
            throw new ConfigException(name + " is not a whole number from " + min + " to " + max + ".");
        }

        boolean choice(String name) {
            return switch (text(name)) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new ConfigException(name + " is neither true nor false.");
            };
        }

        @Nullable
        String secret(String name) {
            for (Map<String, String> source : List.of(environment, file)) {
                String value = source.getOrDefault(name, "");
                String valueFile = source.getOrDefault(name + FILE_SUFFIX, "");
                if (!value.isEmpty() && !valueFile.isEmpty()) {
                    throw new ConfigException(name + " and " + name + FILE_SUFFIX + " are both set; set one.");
                }
                if (!value.isEmpty()) {
                    return value;
                }
                if (!valueFile.isEmpty()) {
                    return read(name + FILE_SUFFIX, Path.of(valueFile));
                }
            }
            return null;
        }

        private static String read(String name, Path file) {
            try {
                String secret = Files.readString(file).strip();
                if (secret.isEmpty()) {
                    throw new ConfigException(name + " names an empty file: " + file + ".");
                }
                return secret;
            } catch (IOException e) {
                throw new ConfigException(name + " names a file that cannot be read: " + file + ".");
            }
        }
    }
}
