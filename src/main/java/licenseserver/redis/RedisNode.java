package licenseserver.redis;

import org.jspecify.annotations.Nullable;

/**
 * One server of Redis.
 *
 * @param host a name or an address; an IPv6 address has no brackets
 * @param port where it listens
 */
public record RedisNode(String host, int port) {
    /**
     * A node as another one names it. A server that does not know its own name says null, nothing, or {@code ?}
     * instead; then its host is that of the server that was asked.
     */
    static RedisNode named(@Nullable String host, int port, RedisNode asked) {
        return new RedisNode(host == null || host.isEmpty() || host.equals("?") ? asked.host() : host, port);
    }

    /** Host and port, separated by a colon; an IPv6 address gets brackets. */
    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
