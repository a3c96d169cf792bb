package licenseserver.store;

/** One server of Redis: a host name or address, and the port. */
public record RedisNode(String host, int port) {
    @Override
    public String toString() {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }
}
