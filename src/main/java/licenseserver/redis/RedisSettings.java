package licenseserver.redis;

import io.vertx.core.net.NetClientOptions;
import io.vertx.core.net.PemTrustOptions;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How Redis is reached.
 *
 * @param kind how the servers of Redis work together
 * @param nodes the servers that are known beforehand: the only one, or sentinels, or some of a cluster
 * @param isEncrypted whether all connections are TLS, and the certificate must name the host that was connected to
 * @param user null for Redis's default user
 * @param password null where none is asked for
 * @param database always 0 in a cluster
 * @param authorities a PEM file of the certificates that are trusted; null for those that Java trusts
 * @param masterName what the sentinels call the master; null where there are none
 * @param sentinelPassword null where the sentinels ask for none
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

    /** How servers of Redis work together. */
    public enum Kind {
        /** One server, or several behind one address that always leads to the master. */
        STANDALONE(6379),
        /** One master at a time, which the sentinels name; the nodes are the sentinels. */
        SENTINEL(26379),
        /** A Redis Cluster: each master has some of the keys. */
        CLUSTER(6379);

        private final int defaultPort;

        Kind(int defaultPort) {
            this.defaultPort = defaultPort;
        }
    }

    private static final Pattern URL = Pattern.compile(
            "(?<scheme>rediss?)://(?:(?<credentials>[^@/?#\\s]*)@)?(?<nodes>[^@/?#\\s]+)(?:/(?<database>\\d{0,4}))?");
    private static final Pattern NODE =
            Pattern.compile("(?:\\[(?<address>[0-9A-Fa-f:.]+)]|(?<name>[A-Za-z0-9._-]+))(?::(?<port>\\d{1,5}))?");

    public RedisSettings {
        nodes = List.copyOf(nodes);
    }

    /** As {@link #of(Kind, String)}, of one server. */
    public static RedisSettings of(String url) {
        return of(Kind.STANDALONE, url);
    }

    /**
     * Reads {@code redis://[[user]:password@]host[:port][,host[:port]…][/database]}, or the same with {@code rediss} for TLS. User
     * and password are percent-encoded.
     *
     * @throws IllegalArgumentException where it is no such address; its message does not quote it, as it may hold a password
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

    /** The same but for what the sentinels are asked with, in place of what Redis is. */
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

    /** How connections to it are made. */
    public NetClientOptions clientOptions(Duration timeout) {
        return applyTo(new NetClientOptions().setTcpKeepAlive(true).setTcpNoDelay(true), timeout);
    }

    /** Adds what these settings ask of connections. */
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

    /** Shows no password. */
    @Override
    public String toString() {
        return "RedisSettings" + nodes;
    }
}
