package licenseserver.http;

import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import io.vertx.core.MultiMap;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the client behind the trusted proxies: its address, and whether it used HTTPS. The headers {@code
 * X-Forwarded-For} and {@code X-Forwarded-Proto} count only if the peer, which is the other end of the connection,
 * is a trusted proxy; {@code Forwarded} (RFC 7239) is not supported. Without trusted proxies nothing is read or
 * allocated. No name is ever looked up. May be used from any thread.
 */
final class ClientAddress {
    private static final String FORWARDED_FOR = "X-Forwarded-For";
    private static final String FORWARDED_PROTO = "X-Forwarded-Proto";
    private static final int HIGHEST_PORT = 65_535;

    private final List<IpSubnetFilterRule> trusted;

    /**
     * Finds clients behind these proxies.
     *
     * @param trusted the networks of the proxies; empty if there is none. Whether a rule accepts or rejects does
     *     not matter.
     */
    ClientAddress(List<IpSubnetFilterRule> trusted) {
        this.trusted = List.copyOf(trusted);
    }

    /**
     * The address of the client: of all hops, from the peer backwards, the first that is not a trusted proxy. Each
     * proxy appends the address that it was called from to {@code X-Forwarded-For}, so the header is read from its
     * right end; what is left of the result could be invented by the client and is not looked at. If all hops are
     * trusted, it is the left-most. It is the peer if a hop that is looked at is not an address; an address may
     * have a port. An IPv4 address written as IPv6 is the IPv4 address.
     */
    InetAddress of(InetAddress peer, MultiMap headers) {
        if (!isTrusted(peer)) {
            return peer;
        }
        List<String> lines = headers.getAll(FORWARDED_FOR);
        InetAddress client = peer;
        for (int i = lines.size() - 1; i >= 0; i--) {
            String line = lines.get(i);
            int end = line.length();
            while (end >= 0) {
                int comma = line.lastIndexOf(',', end - 1);
                InetAddress hop = address(line.substring(comma + 1, end).strip());
                if (hop == null) {
                    return peer;
                }
                if (!isTrusted(hop)) {
                    return hop;
                }
                client = hop;
                end = comma;
            }
        }
        return client;
    }

    /**
     * Whether the request is safe from eavesdroppers on the way from the client: if this connection uses TLS, or
     * if a trusted proxy says {@code https}. Of several schemes the right-most counts, as the nearest proxy wrote
     * that.
     */
    boolean usesHttps(InetAddress peer, boolean overTls, MultiMap headers) {
        if (overTls || !isTrusted(peer)) {
            return overTls;
        }
        List<String> lines = headers.getAll(FORWARDED_PROTO);
        if (lines.isEmpty()) {
            return false;
        }
        String last = lines.get(lines.size() - 1);
        return last.substring(last.lastIndexOf(',') + 1).strip().equalsIgnoreCase("https");
    }

    private boolean isTrusted(InetAddress address) {
        if (trusted.isEmpty()) {
            return false;
        }
        var socket = new InetSocketAddress(address, 0);
        for (IpSubnetFilterRule proxies : trusted) {
            if (proxies.matches(socket)) {
                return true;
            }
        }
        return false;
    }

    /**
     * Reads {@code 192.0.2.1}, {@code 192.0.2.1:8080}, {@code 2001:db8::1}, {@code [2001:db8::1]} or {@code
     * [2001:db8::1]:8080}.
     */
    private static @Nullable InetAddress address(String hop) {
        String host = hop;
        String port = "";
        if (hop.startsWith("[")) {
            int bracket = hop.indexOf(']');
            int colon = hop.indexOf(':');
            if (colon < 0 || colon > bracket) {
                return null;
            }
            host = hop.substring(1, bracket);
            port = hop.substring(bracket + 1);
        } else {
            int colon = hop.indexOf(':');
            if (colon >= 0 && colon == hop.lastIndexOf(':')) {
                host = hop.substring(0, colon);
                port = hop.substring(colon);
            }
        }
        // Netty takes a zone, as in fe80::1%eth0, which means nothing to another machine, and brackets.
        if (host.startsWith("[") || host.indexOf('%') >= 0 || !isPort(port)) {
            return null;
        }
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(host);
        try {
            // Makes an IPv4 address of one that is written as IPv6.
            return bytes == null ? null : InetAddress.getByAddress(bytes);
        } catch (UnknownHostException otherThan4Or16Bytes) {
            return null;
        }
    }

    /** Whether it is nothing, or a colon and a port. */
    private static boolean isPort(String text) {
        if (text.isEmpty()) {
            return true;
        }
        return text.matches(":\\d{1,5}") && Integer.parseInt(text.substring(1)) <= HIGHEST_PORT;
    }
}
