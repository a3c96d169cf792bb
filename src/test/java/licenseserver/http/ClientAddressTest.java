package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.vertx.core.MultiMap;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Each row of a table: the peer, the lines of the header, one after the other between slashes, and what is found.
 * Addresses in 10.0.0.0/8 and fd00::/8 are trusted proxies.
 */
class ClientAddressTest {
    private final ClientAddress clients = new ClientAddress(List.of(rule("10.0.0.0", 8), rule("fd00::", 8)));

    private static IpSubnetFilterRule rule(String address, int prefix) {
        return new IpSubnetFilterRule(address, prefix, IpFilterRuleType.ACCEPT);
    }

    private static InetAddress ip(String literal) throws Exception {
        return InetAddress.getByName(literal);
    }

    private static MultiMap headers(String name, String lines) {
        MultiMap headers = MultiMap.caseInsensitiveMultiMap();
        if (!lines.equals("none")) {
            for (String line : lines.split("/", -1)) {
                headers.add(name, line);
            }
        }
        return headers;
    }

    private void assertThatItFinds(String peer, String lines, String client) throws Exception {
        assertThat(clients.of(ip(peer), headers("x-forwarded-for", lines))).isEqualTo(ip(client));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            198.51.100.7 | none                         | 198.51.100.7
            198.51.100.7 | 203.0.113.9                  | 198.51.100.7
            198.51.100.7 | 10.0.0.1                     | 198.51.100.7
            198.51.100.7 | 203.0.113.9, 10.0.0.2        | 198.51.100.7
            198.51.100.7 | rubbish                      | 198.51.100.7
            11.0.0.1     | 203.0.113.9                  | 11.0.0.1
            9.255.255.255| 203.0.113.9                  | 9.255.255.255
            127.0.0.1    | 203.0.113.9                  | 127.0.0.1
            2001:db8::7  | 203.0.113.9                  | 2001:db8::7
            fe00::1      | 203.0.113.9                  | fe00::1
            """)
    void does_not_believe_a_peer_that_is_not_trusted(String peer, String lines, String client) throws Exception {
        assertThatItFinds(peer, lines, client);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            10.0.0.1       | none                                    | 10.0.0.1
            10.0.0.1       | 203.0.113.9                             | 203.0.113.9
            10.255.255.255 | 203.0.113.9                             | 203.0.113.9
            fd00::1        | 203.0.113.9                             | 203.0.113.9
            fd00::1        | 2001:db8::9                             | 2001:db8::9
            10.0.0.1       | 192.0.2.66, 203.0.113.9                 | 203.0.113.9
            10.0.0.1       | 10.0.0.66, 203.0.113.9                  | 203.0.113.9
            10.0.0.1       | 203.0.113.9, 10.0.0.2                   | 203.0.113.9
            10.0.0.1       | 203.0.113.9, 10.0.0.2, 10.0.0.3         | 203.0.113.9
            10.0.0.1       | 192.0.2.66, 203.0.113.9, 10.0.0.2       | 203.0.113.9
            10.0.0.1       | 203.0.113.9, fd00::2, 10.0.0.2          | 203.0.113.9
            10.0.0.1       | 10.0.0.66, 203.0.113.9, 10.0.0.2        | 203.0.113.9
            10.0.0.1       | 10.0.0.5                                | 10.0.0.5
            10.0.0.1       | 10.0.0.7, 10.0.0.6, 10.0.0.5            | 10.0.0.7
            10.0.0.1       | 192.0.2.66/203.0.113.9                  | 203.0.113.9
            10.0.0.1       | 203.0.113.9/10.0.0.2                    | 203.0.113.9
            10.0.0.1       | 192.0.2.66, 203.0.113.9/10.0.0.3, 10.0.0.2 | 203.0.113.9
            """)
    void takes_the_first_from_the_right_that_is_not_a_trusted_proxy(String peer, String lines, String client)
            throws Exception {
        assertThatItFinds(peer, lines, client);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            203.0.113.9:4711                     | 203.0.113.9
            203.0.113.9:0                        | 203.0.113.9
            203.0.113.9:65535                    | 203.0.113.9
            203.0.113.9:4711, 10.0.0.2:80        | 203.0.113.9
            '  203.0.113.9  ,  10.0.0.2  '       | 203.0.113.9
            203.0.113.9,10.0.0.2                 | 203.0.113.9
            [2001:db8::9]                        | 2001:db8::9
            [2001:db8::9]:4711                   | 2001:db8::9
            [2001:db8::9]:4711, [fd00::2]:443    | 2001:db8::9
            2001:DB8:0:0:0:0:0:9                 | 2001:db8::9
            ::                                   | ::
            ::ffff:203.0.113.9                   | 203.0.113.9
            ::FFFF:cb00:7109                     | 203.0.113.9
            [::ffff:203.0.113.9]:4711            | 203.0.113.9
            203.0.113.9, ::ffff:10.0.0.2         | 203.0.113.9
            """)
    void reads_addresses_in_every_usual_form(String lines, String client) throws Exception {
        assertThatItFinds("10.0.0.1", lines, client);
    }

    @Test
    void an_ipv4_address_written_as_ipv6_is_the_ipv4_address() throws Exception {
        assertThat(clients.of(ip("10.0.0.1"), headers("X-Forwarded-For", "::ffff:203.0.113.9"))
                        .getAddress())
                .hasSize(4);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''
            ' '
            ,
            'unknown'
            _hidden
            localhost
            example.com
            203.0.113
            203.0.113.9.1
            203.0.113.256
            203.0.113.-9
            0xcb.0.113.9
            3405803785
            203.0.113.9:
            203.0.113.9:http
            203.0.113.9:65536
            203.0.113.9:-1
            203.0.113.9:+80
            203.0.113.9:١
            203.0.113.9 10.0.0.2
            203.0.113.9 :80
            203.0.113.9;10.0.0.2
            203.0.113.9,
            [203.0.113.9]
            [203.0.113.9]:80
            [2001:db8::9
            2001:db8::9]
            [2001:db8::9]4711
            [2001:db8::9]:
            [2001:db8::9]:http
            [[2001:db8::9]]
            []
            [
            :
            :80
            2001:db8::g
            2001:db8::9::1
            1:2:3:4:5:6:7:8:9
            fe80::1%eth0
            [fe80::1%25eth0]:80
            "203.0.113.9"
            for=203.0.113.9
            203.0.113.9, unknown
            203.0.113.9, unknown, 10.0.0.2
            203.0.113.9, , 10.0.0.2
            203.0.113.9/unknown
            203.0.113.9/unknown/10.0.0.2
            203.0.113.9/
            """)
    void falls_back_to_the_peer_if_a_hop_that_is_looked_at_is_not_an_address(String lines) throws Exception {
        assertThatItFinds("10.0.0.1", lines, "10.0.0.1");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            unknown, 203.0.113.9
            , 203.0.113.9
            unknown, 203.0.113.9, 10.0.0.2
            unknown/203.0.113.9
            """)
    void what_a_client_invents_does_not_hide_it(String lines) throws Exception {
        assertThatItFinds("10.0.0.1", lines, "203.0.113.9");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            198.51.100.7 | false | none         | false
            198.51.100.7 | true  | none         | true
            198.51.100.7 | false | https        | false
            198.51.100.7 | true  | http         | true
            10.0.0.1     | false | none         | false
            10.0.0.1     | true  | none         | true
            10.0.0.1     | false | https        | true
            10.0.0.1     | true  | http         | true
            10.0.0.1     | false | HTTPS        | true
            10.0.0.1     | false | ' https '    | true
            10.0.0.1     | false | http         | false
            10.0.0.1     | false | httpsx       | false
            10.0.0.1     | false | ''           | false
            10.0.0.1     | false | http, https  | true
            10.0.0.1     | false | https, http  | false
            10.0.0.1     | false | https,       | false
            10.0.0.1     | false | http/https   | true
            10.0.0.1     | false | https/http   | false
            fd00::1      | false | https        | true
            """)
    void uses_https_if_this_connection_does_or_a_trusted_proxy_says_so(
            String peer, boolean overTls, String lines, boolean https) throws Exception {
        assertThat(clients.usesHttps(ip(peer), overTls, headers("x-forwarded-proto", lines)))
                .isEqualTo(https);
    }

    @Test
    void without_trusted_proxies_no_header_is_read() throws Exception {
        var unreadable = (MultiMap)
                Proxy.newProxyInstance(MultiMap.class.getClassLoader(), new Class<?>[] {MultiMap.class}, (me, m, a) -> {
                    throw new AssertionError("Read: " + m);
                });
        var direct = new ClientAddress(List.of());
        InetAddress peer = ip("10.0.0.1");

        assertThat(direct.of(peer, unreadable)).isSameAs(peer);
        assertThat(direct.usesHttps(peer, false, unreadable)).isFalse();
        assertThat(direct.usesHttps(peer, true, unreadable)).isTrue();
    }
}
