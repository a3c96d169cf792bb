package licenseserver.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import licenseserver.license.Policy;
import licenseserver.license.Terms;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisSettings.Kind;
import org.jspecify.annotations.Nullable;

/**
 * All settings. {@code conf/license-server.env} says what each is for.
 *
 * @param host the address to listen on
 * @param port the port to listen on; 0 for any that is free
 * @param redis how Redis is reached; null for one of the server's own
 * @param adminSecret what admin calls are made with; null, only where redis is, for one that the server makes
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
 * @param shutdownDelay how long calls are still taken after the signal to stop, while readiness says that it stops
 * @param shutdownTimeout the longest that stopping may take after that
 */
public record Config(
        String host,
        int port,
        @Nullable RedisSettings redis,
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
        Duration shutdownDelay,
        Duration shutdownTimeout) {

    /** Every setting and its default; empty for none. Those in {@link #SECRETS} exist with {@code _FILE} behind them, too. */
    public static final Map<String, String> DEFAULTS = defaults();

    public static final Set<String> SECRETS = Set.of("REDIS_URL", "REDIS_SENTINEL_PASSWORD", "ADMIN_SECRET");

    private static final String FILE_SUFFIX = "_FILE";
    private static final Path DEFAULT_FILE = Path.of("conf", "license-server.env");

    private static Map<String, String> defaults() {
        var defaults = new LinkedHashMap<String, String>();
        defaults.put("HOST", "0.0.0.0");
        defaults.put("PORT", "8080");
        defaults.put("REDIS_URL", "");
        defaults.put("REDIS_TOPOLOGY", "standalone");
        defaults.put("REDIS_SENTINEL_MASTER", "");
        defaults.put("REDIS_SENTINEL_PASSWORD", "");
        defaults.put("REDIS_CA_FILE", "");
        defaults.put("REDIS_REPLICAS_TO_WAIT", "0");
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
        defaults.put("SHUTDOWN_DELAY_SECONDS", "0");
        defaults.put("SHUTDOWN_TIMEOUT_SECONDS", "10");
        return defaults;
    }

    /**
     * Reads the file that {@code CONFIG_FILE} names, else {@code conf/license-server.env} where there is one, and over it the
     * environment.
     *
     * @throws ConfigException where a setting cannot be used
     */
    public static Config load(Map<String, String> environment) {
        String named = environment.getOrDefault("CONFIG_FILE", "");
        if (!named.isEmpty()) {
            return of(readFile(Path.of(named)), environment);
        }
        return of(Files.exists(DEFAULT_FILE) ? readFile(DEFAULT_FILE) : Map.of(), environment);
    }

    private static Config of(Map<String, String> file, Map<String, String> environment) {
        var settings = new Settings(file, environment);
        RedisSettings redis = redis(settings);
        String adminSecret = settings.secret("ADMIN_SECRET");
        if (redis != null && adminSecret == null) {
            throw new ConfigException("ADMIN_SECRET is not set; with a REDIS_URL the server does not make one.");
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
                redis,
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
                Duration.ofSeconds(settings.integer("SHUTDOWN_DELAY_SECONDS", 0, 3600)),
                Duration.ofSeconds(settings.integer("SHUTDOWN_TIMEOUT_SECONDS", 1, 3600)));
    }

    private static @Nullable RedisSettings redis(Settings settings) {
        Kind kind = kind(settings.text("REDIS_TOPOLOGY"));
        String url = settings.secret("REDIS_URL");
        String master = settings.text("REDIS_SENTINEL_MASTER");
        String sentinelPassword = settings.secret("REDIS_SENTINEL_PASSWORD");
        String authorities = settings.text("REDIS_CA_FILE");
        int replicas = settings.integer("REDIS_REPLICAS_TO_WAIT", 0, 10);
        boolean isOther = kind != Kind.STANDALONE || !authorities.isEmpty() || replicas > 0;
        require(url != null || !isOther, "REDIS_URL is not set, and the other settings of Redis need it.");
        require(
                (kind == Kind.SENTINEL) == !master.isEmpty(),
                kind == Kind.SENTINEL
                        ? "REDIS_SENTINEL_MASTER is not set; with REDIS_TOPOLOGY=sentinel it says what the sentinels call the master."
                        : "REDIS_SENTINEL_MASTER is set, but REDIS_TOPOLOGY is not sentinel.");
        require(
                kind == Kind.SENTINEL || sentinelPassword == null,
                "REDIS_SENTINEL_PASSWORD is set, but REDIS_TOPOLOGY is not sentinel.");
        if (url == null) {
            return null;
        }
        RedisSettings redis = redis(kind, url);
        require(
                kind != Kind.STANDALONE || redis.nodes().size() == 1,
                "REDIS_URL names several servers; set REDIS_TOPOLOGY to sentinel or cluster.");
        require(
                kind != Kind.CLUSTER || redis.database() == 0,
                "REDIS_URL names a database, but a Redis Cluster has only database 0.");
        require(
                authorities.isEmpty() || redis.isEncrypted(),
                "REDIS_CA_FILE is set, but REDIS_URL does not begin with rediss://.");
        return new RedisSettings(
                kind,
                redis.nodes(),
                redis.isEncrypted(),
                redis.user(),
                redis.password(),
                redis.database(),
                authorities.isEmpty() ? null : certificates(Path.of(authorities)),
                master.isEmpty() ? null : master,
                sentinelPassword,
                replicas);
    }

    private static Kind kind(String name) {
        for (Kind kind : Kind.values()) {
            if (kind.name().toLowerCase(Locale.ROOT).equals(name)) {
                return kind;
            }
        }
        throw new ConfigException("REDIS_TOPOLOGY is none of standalone, sentinel and cluster.");
    }

    private static RedisSettings redis(Kind kind, String url) {
        try {
            return RedisSettings.of(kind, url);
        } catch (IllegalArgumentException unusable) {
            throw new ConfigException(
                    "REDIS_URL is no Redis address: use redis://[[user]:password@]host[:port][/database],"
                            + " rediss:// for TLS, and commas between several host:port.");
        }
    }

    private static Path certificates(Path file) {
        try (var content = Files.newInputStream(file)) {
            require(
                    !CertificateFactory.getInstance("X.509")
                            .generateCertificates(content)
                            .isEmpty(),
                    "REDIS_CA_FILE names a file without certificates: " + file + ".");
            return file;
        } catch (IOException e) {
            throw new ConfigException("REDIS_CA_FILE names a file that cannot be read: " + file + ".");
        } catch (CertificateException e) {
            throw new ConfigException("REDIS_CA_FILE names a file without certificates: " + file + ".");
        }
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new ConfigException(otherwise);
        }
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
