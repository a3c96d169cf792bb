package licenseserver.access;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.ipfilter.IpFilterRuleType;
import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import licenseserver.EventLoops;
import licenseserver.api.TestServer;
import licenseserver.store.InMemoryLicenseStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the log says of those who do not know the admin secret. */
class WrongSecretTest {
    private static final List<IpSubnetFilterRule> LOOPBACK =
            List.of(new IpSubnetFilterRule("127.0.0.0", 8, IpFilterRuleType.ACCEPT));

    private final Vertx vertx = EventLoops.watched();
    private final PrintStream standardError = System.err;
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    @BeforeEach
    void catchLog() {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void releaseLog() {
        System.setErr(standardError);
        await(vertx.close());
    }

    /** Calls a server twice, once with a wrong secret and once without one, and gives what it logs. */
    private String logOf(List<IpSubnetFilterRule> trustedProxies) {
        try (TestServer server = TestServer.startBehind(trustedProxies, vertx, new InMemoryLicenseStore())) {
            assertThat(server.post(
                                    "/license-info",
                                    "{}",
                                    "Authorization",
                                    "Bearer open-sesame",
                                    "X-Forwarded-For",
                                    "198.51.100.7, 203.0.113.9")
                            .statusCode())
                    .isEqualTo(401);
            assertThat(server.post("/license-info", "{}").statusCode()).isEqualTo(401);
        }
        return log.toString(StandardCharsets.UTF_8);
    }

    @Test
    void is_one_line_that_names_the_client_behind_a_trusted_proxy() {
        assertThat(logOf(LOOPBACK))
                .containsOnlyOnce("admin calls without the right secret")
                .contains("1 admin calls without the right secret, the last from 203.0.113.9");
    }

    @Test
    void believes_no_proxy_that_is_not_trusted() {
        assertThat(logOf(List.of())).contains("the last from 127.0.0.1").doesNotContain("203.0.113.9");
    }

    @Test
    void holds_no_secret() {
        assertThat(logOf(LOOPBACK)).doesNotContain("sesame");
    }
}
