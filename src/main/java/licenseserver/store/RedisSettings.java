package licenseserver.store;

import io.vertx.core.net.NetClientOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How Redis is reached.
 *
 * @param nodes the servers that are known beforehand; the first is the only one where Redis is a single server
 * @param user null for Redis's default user
 * @param password null where none is asked for
 */
public record RedisSettings(
        List<RedisNode> nodes,
        @Nullable String user,
        @Nullable String password,
        int database) {
    private static final int DEFAULT_PORT = 6379;

    public RedisSettings {
        nodes = List.copyOf(nodes);
    }

    /**
     * Reads {@code redis://[[user]:password@]host[:port][/database]}.
     *
     * @throws IllegalArgumentException where it is no such address; its message does not quote it, as it may hold a password
     */
    public static RedisSettings of(String url) {
        try {
            URI uri = new URI(url);
            boolean usable = "redis".equals(uri.getScheme())
                    && uri.getHost() != null
                    && (uri.getPort() == -1 || (uri.getPort() >= 1 && uri.getPort() <= 65_535))
                    && uri.getPath().matches("(/\\d{0,4})?");
            if (usable) {
                String host = uri.getHost().replaceAll("[\\[\\]]", "");
                int port = uri.getPort() == -1 ? DEFAULT_PORT : uri.getPort();
                String path = uri.getPath().replace("/", "");
                String credentials = uri.getUserInfo() == null ? "" : uri.getUserInfo();
                int colon = credentials.indexOf(':');
                String user = colon < 0 ? credentials : credentials.substring(0, colon);
                String password = colon < 0 ? "" : credentials.substring(colon + 1);
                return new RedisSettings(
                        List.of(new RedisNode(host, port)),
                        user.isEmpty() ? null : user,
                        password.isEmpty() ? null : password,
                        path.isEmpty() ? 0 : Integer.parseInt(path));
            }
        } catch (URISyntaxException unusable) {
            // Its message quotes the URL.
        }
        throw new IllegalArgumentException("no Redis address");
    }

    /** How connections to it are made. */
    NetClientOptions clientOptions(Duration timeout) {
        return new NetClientOptions()
                .setConnectTimeout((int) timeout.toMillis())
                .setTcpKeepAlive(true)
                .setTcpNoDelay(true);
    }

    /** Shows no password. */
    @Override
    public String toString() {
        return "RedisSettings" + nodes;
    }
}
