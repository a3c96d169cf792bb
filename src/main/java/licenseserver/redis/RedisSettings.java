package licenseserver.redis;

import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import licenseserver.config.ConfigException;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;
import org.jspecify.annotations.Nullable;

/**
 * Describes how Redis is reached.
 *
 * @param kind how the servers of Redis work together
 * @param nodes the servers to ask first: the only one, or the sentinels, or some servers of a cluster
 * @param isEncrypted whether all connections use TLS; then the certificate must name the host that was connected to
 * @param user null for the default user of Redis
 * @param password null if Redis asks for none
 * @param database always 0 in a cluster
 * @param authorities a PEM file with the certificates to trust; null for those that Java trusts
 * @param masterName what the sentinels call the master; null without sentinels
 * @param sentinelPassword null if the sentinels ask for none
 * @param replicasToWait how many replicas must have a change before it is confirmed
 */
public record RedisSettings(
        Kind kind,
        List<RedisNode> nodes,
        boolean isEncrypted,
        @Nullable String user,
        @Nullable String password,
        int database,
        @Nullable Path authorities,
        @Nullable String masterName,
        @Nullable String sentinelPassword,
        int replicasToWait) {

    /** The ways in which servers of Redis work together. */
    public enum Kind {
        /**
         * One server, or several behind one address that always leads to the master; the only node is that address.
         */
        STANDALONE(6379),
        /** One master at a time, which the sentinels know; the nodes are the sentinels. */
        SENTINEL(26379),
        /** A Redis Cluster: each master has some of the keys. */
        CLUSTER(6379);

        private final int defaultPort;

        Kind(int defaultPort) {
            this.defaultPort = defaultPort;
        }
    }

    private static final Setting<String> REDIS_URL = Setting.secret(
            "REDIS_URL",
            "Where Redis is: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS."
                    + " Percent-encode the user and the password. Separate several `host:port` by commas:"
                    + " sentinels, or servers of a cluster. If it is not set, the server starts a Redis of its"
                    + " own, which keeps its data in `DATA_DIR`; that is good for one server.");
    private static final Setting<Kind> TOPOLOGY = Setting.choice(
            "REDIS_TOPOLOGY",
            Kind.STANDALONE,
            "How the servers of Redis work together. `standalone` is one server, or one address that always leads"
                    + " to the master. With `sentinel`, `REDIS_URL` names the sentinels. With `cluster`, it names"
                    + " some servers of a Redis Cluster.");
    private static final Setting<String> SENTINEL_MASTER = Setting.text(
            "REDIS_SENTINEL_MASTER",
            "",
            "The sentinels' name for the master. Required with `REDIS_TOPOLOGY=sentinel`.");
    private static final Setting<String> SENTINEL_PASSWORD = Setting.secret(
            "REDIS_SENTINEL_PASSWORD",
            "The password of the sentinels, if they have one. The one in `REDIS_URL` is for Redis itself.");
    private static final Setting<String> CA_FILE = Setting.text(
            "REDIS_CA_FILE",
            "",
            "A PEM file of the certificates to trust with `rediss://`, if your certificate authority is not one"
                    + " that Java trusts.");
    private static final Setting<Integer> REPLICAS_TO_WAIT = Setting.wholeNumber(
            "REDIS_REPLICAS_TO_WAIT",
            0,
            0,
            10,
            "How many replicas must have a change before it is confirmed (`WAIT`). If fewer have it in time, the"
                    + " answer is 503.");

    /**
     * The longest that any call waits for Redis. It applies to a Redis of the server's own too, which has no other
     * settings.
     */
    public static final Setting<Duration> TIMEOUT = Setting.millis(
            "REDIS_TIMEOUT_MILLIS",
            1500,
            10,
            10_000,
            "The longest that a call waits for Redis. After that the answer is 503.");

    /** The settings that this record is read from, and {@link #TIMEOUT}. */
    public static final Section SECTION = new Section(
            "Redis",
            List.of(REDIS_URL, TOPOLOGY, SENTINEL_MASTER, SENTINEL_PASSWORD, CA_FILE, REPLICAS_TO_WAIT, TIMEOUT));

    private static final Pattern URL = Pattern.compile(
            "(?<scheme>rediss?)://(?:(?<credentials>[^@/?#\\s]*)@)?(?<nodes>[^@/?#\\s]+)(?:/(?<database>\\d{0,4}))?");
    private static final Pattern NODE =
            Pattern.compile("(?:\\[(?<address>[0-9A-Fa-f:.]+)]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\\d{1,5}))?");

    /** Copies the nodes. */
    public RedisSettings {
        nodes = List.copyOf(nodes);
    }

    /**
     * Reads these settings.
     *
     * @return null if no {@code REDIS_URL} is set
     * @throws ConfigException if a setting cannot be used, or if settings contradict each other
     */
    public static @Nullable RedisSettings from(Values values) {
        Kind kind = values.get(TOPOLOGY);
        String url = values.get(REDIS_URL);
        String master = values.get(SENTINEL_MASTER);
        String sentinelPassword = values.get(SENTINEL_PASSWORD);
        String authorities = values.get(CA_FILE);
        int replicas = values.get(REPLICAS_TO_WAIT);
        boolean isOther = kind != Kind.STANDALONE || !authorities.isEmpty() || replicas > 0;
        require(!url.isEmpty() || !isOther, "REDIS_URL is not set, and the other settings of Redis need it.");
        require(
                (kind == Kind.SENTINEL) == !master.isEmpty(),
                kind == Kind.SENTINEL
                        ? "REDIS_SENTINEL_MASTER is not set; with REDIS_TOPOLOGY=sentinel it says what the sentinels call the master."
                        : "REDIS_SENTINEL_MASTER is set, but REDIS_TOPOLOGY is not sentinel.");
        require(
                kind == Kind.SENTINEL || sentinelPassword.isEmpty(),
                "REDIS_SENTINEL_PASSWORD is set, but REDIS_TOPOLOGY is not sentinel.");
        if (url.isEmpty()) {
            return null;
        }
        RedisSettings redis = configured(kind, url);
        require(
                kind != Kind.STANDALONE || redis.nodes.size() == 1,
                "REDIS_URL names several servers; set REDIS_TOPOLOGY to sentinel or cluster.");
        require(
                kind != Kind.CLUSTER || redis.database == 0,
                "REDIS_URL names a database, but a Redis Cluster has only database 0.");
        require(
                authorities.isEmpty() || redis.isEncrypted,
                "REDIS_CA_FILE is set, but REDIS_URL does not begin with rediss://.");
        return new RedisSettings(
                kind,
                redis.nodes,
                redis.isEncrypted,
                redis.user,
                redis.password,
                redis.database,
                authorities.isEmpty() ? null : certificates(Path.of(authorities)),
                master.isEmpty() ? null : master,
                sentinelPassword.isEmpty() ? null : sentinelPassword,
                replicas);
    }

    private static RedisSettings configured(Kind kind, String url) {
        try {
            return of(kind, url);
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

    /** Reads the address of a single server, as {@link #of(Kind, String)} does. */
    public static RedisSettings of(String url) {
        return of(Kind.STANDALONE, url);
    }

    /**
     * Reads {@code redis://[[user]:password@]host[:port][,host[:port]…][/database]}, or the same with {@code rediss}
     * for TLS. User and password are percent-encoded.
     *
     * @throws IllegalArgumentException for any other text; the message does not quote it, because it may contain a
     *     password
     */
    public static RedisSettings of(Kind kind, String url) {
        Matcher matcher = URL.matcher(url);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("no Redis address");
        }
        String credentials = matcher.group("credentials") == null ? "" : matcher.group("credentials");
        int colon = credentials.indexOf(':');
        String user = decoded(colon < 0 ? credentials : credentials.substring(0, colon));
        String password = decoded(colon < 0 ? "" : credentials.substring(colon + 1));
        String database = matcher.group("database") == null ? "" : matcher.group("database");
        return new RedisSettings(
                kind,
                nodes(matcher.group("nodes"), kind.defaultPort),
                matcher.group("scheme").equals("rediss"),
                user.isEmpty() ? null : user,
                password.isEmpty() ? null : password,
                database.isEmpty() ? 0 : Integer.parseInt(database),
                null,
                null,
                null,
                0);
    }

    private static List<RedisNode> nodes(String commaSeparated, int defaultPort) {
        var nodes = new ArrayList<RedisNode>();
        for (String node : commaSeparated.split(",", -1)) {
            Matcher matcher = NODE.matcher(node);
            int port = matcher.matches() && matcher.group("port") != null
                    ? Integer.parseInt(matcher.group("port"))
                    : defaultPort;
            if (!matcher.matches() || port < 1 || port > 65_535) {
                throw new IllegalArgumentException("no Redis address");
            }
            nodes.add(new RedisNode(
                    matcher.group("name") == null ? matcher.group("address") : matcher.group("name"), port));
        }
        return nodes;
    }

    private static String decoded(String text) {
        try {
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException quotesIt) {
            throw new IllegalArgumentException("no Redis address");
        }
    }

    /** These settings with the password of the sentinels in place of the user, password and database of Redis. */
    RedisSettings ofSentinels() {
        return new RedisSettings(
                kind,
                nodes,
                isEncrypted,
                null,
                sentinelPassword,
                0,
                authorities,
                masterName,
                sentinelPassword,
                replicasToWait);
    }

    /**
     * The options of a client that connects to Redis.
     *
     * @param timeout the longest time for a connect, and for a TLS handshake
     */
    public NetClientOptions clientOptions(Duration timeout) {
        return applyTo(new NetClientOptions().setTcpKeepAlive(true).setTcpNoDelay(true), timeout);
    }

    /** Adds the time-outs and, if there is TLS, what it needs. */
    NetClientOptions applyTo(NetClientOptions options, Duration timeout) {
        options.setConnectTimeout((int) timeout.toMillis());
        if (isEncrypted) {
            options.setSsl(true)
                    .setHostnameVerificationAlgorithm("HTTPS")
                    .setSslHandshakeTimeout(timeout.toMillis())
                    .setSslHandshakeTimeoutUnit(TimeUnit.MILLISECONDS);
            if (authorities != null) {
                options.setTrustOptions(new PemTrustOptions().addCertPath(authorities.toString()));
            }
        }
        return options;
    }

    /** Shows the nodes only, and no password. */
    @Override
    public String toString() {
        return "RedisSettings" + nodes;
    }
}
