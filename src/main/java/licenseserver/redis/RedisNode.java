package licenseserver.redis;

import org.jspecify.annotations.Nullable;

/** One server of Redis: a host name or address, and the port. */
public record RedisNode(String host, int port) {
    /** As the server that was asked names it. One that knows no name to give gives null, nothing, or {@code ?}: where it was asked. */
    static RedisNode named(@Nullable String host, int port, RedisNode asked) {
        return new RedisNode(host == null || host.isEmpty() || host.equals("?") ? asked.host() : host, port);
    }

    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
