package licenseserver.http;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;

/**
 * Where the server listens and what it grants its clients.
 *
 * @param host the address to listen on
 * @param port the port to listen on; 0 for any free one
 * @param corsOrigin which web pages may read the answers: an origin, or {@code *} for all
 * @param trustedProxies the addresses whose {@code X-Forwarded-For} is believed; empty if there is no reverse proxy
 * @param idleTimeout how long a client connection may be silent before it is closed
 * @param bodyTimeout the longest that a client may take to send the body of a request
 */
public record HttpSettings(
        String host,
        int port,
        String corsOrigin,
        List<IpSubnetFilterRule> trustedProxies,
        Duration idleTimeout,
        Duration bodyTimeout) {

    private static final Setting<String> HOST = Setting.text(
            "HOST",
            "0.0.0.0",
            "The address to listen on: `127.0.0.1` for this machine only, `0.0.0.0` for all networks.");
    private static final Setting<Integer> PORT =
            Setting.wholeNumber("PORT", 8080, 0, 65_535, "The port to listen on; 0 for any free one.");
    private static final Setting<String> CORS_ORIGIN = Setting.text(
                    "CORS_ORIGIN",
                    "*",
                    "Which web pages may read the answers (`Access-Control-Allow-Origin`): one origin such as"
                            + " `https://example.com`, or `*` for all.")
            .matching("[!-~]+", "is no origin: use one such as https://example.com, or *.");
    private static final Setting<List<IpSubnetFilterRule>> TRUSTED_PROXIES = Setting.text(
                    "TRUSTED_PROXIES",
                    "",
                    "The reverse proxies in front of the server: IP addresses and ranges such as `10.0.0.0/8`,"
                            + " separated by commas. The server believes what they say about the client's address"
                            + " (`X-Forwarded-For`) and scheme (`X-Forwarded-Proto`), and ignores what anyone else"
                            + " says.")
            .as(
                    HttpSettings::subnets,
                    "is not a list of IP addresses and CIDR ranges; an example is"
                            + " 10.0.0.0/8,192.0.2.1,2001:db8::/32.");
    private static final Setting<Duration> IDLE_TIMEOUT = Setting.seconds(
            "IDLE_TIMEOUT_SECONDS",
            75,
            1,
            3600,
            "How long a client connection may be silent before it is closed. Set it longer than a load balancer"
                    + " keeps its idle connections.");
    private static final Setting<Duration> BODY_TIMEOUT = Setting.seconds(
            "BODY_TIMEOUT_SECONDS", 10, 1, 3600, "The longest that a client may take to send the body of a request.");

    /** The settings that this record is read from. */
    public static final Section SECTION =
            new Section("HTTP", List.of(HOST, PORT, CORS_ORIGIN, TRUSTED_PROXIES, IDLE_TIMEOUT, BODY_TIMEOUT));

    private static final Pattern SUBNET = Pattern.compile("(?<address>[0-9A-Fa-f:.]+)(?:/(?<prefix>\\d{1,3}))?");

    public HttpSettings {
        trustedProxies = List.copyOf(trustedProxies);
    }

    /**
     * Reads these settings.
     *
     * @throws licenseserver.config.ConfigException if one cannot be used
     */
    public static HttpSettings from(Values values) {
        return new HttpSettings(
                values.get(HOST),
                values.get(PORT),
                values.get(CORS_ORIGIN),
                values.get(TRUSTED_PROXIES),
                values.get(IDLE_TIMEOUT),
                values.get(BODY_TIMEOUT));
    }

    private static List<IpSubnetFilterRule> subnets(String commaSeparated) {
        return commaSeparated.isEmpty()
                ? List.of()
                : Arrays.stream(commaSeparated.split(",", -1))
                        .map(text -> subnet(text.strip()))
                        .toList();
    }

    /** Looks no name up, unlike the rule's own constructor for texts. */
    private static IpSubnetFilterRule subnet(String text) {
        Matcher matcher = SUBNET.matcher(text);
        byte[] bytes = matcher.matches() ? NetUtil.createByteArrayFromIpAddressString(matcher.group("address")) : null;
        if (bytes == null) {
            throw new IllegalArgumentException("not an address");
        }
        try {
            InetAddress address = InetAddress.getByAddress(bytes);
            if (address.getAddress().length != bytes.length) {
                // IPv4 written as IPv6: its prefix could be meant either way.
                throw new IllegalArgumentException("mapped address");
            }
            String prefix = matcher.group("prefix");
            return new IpSubnetFilterRule(
                    address, prefix == null ? bytes.length * 8 : Integer.parseInt(prefix), IpFilterRuleType.ACCEPT);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("not an address", e);
        }
    }
}
