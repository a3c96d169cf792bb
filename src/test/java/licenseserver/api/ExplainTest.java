package licenseserver.api;

import static licenseserver.Await.await;
import static licenseserver.api.TestServer.NOW_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.time.InstantSource;
import licenseserver.EventLoops;
import licenseserver.idempotency.InMemoryIdempotencyStore;
import licenseserver.license.Policy;
import licenseserver.store.InMemoryLicenseStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client is told that asks why, and what it may say of its machine. */
@SuppressWarnings("NullAway.Init")
class ExplainTest {
    private static final String KEY = "K7FH-WP3A-M9QZ-B2CD";
    private static final String NO_END = ",\"expiresAt\":null,\"maxMachines\":2,\"remainingSlots\":";
    private static final String ENDED = ",\"expiresAt\":1719000000000,\"maxMachines\":2,\"remainingSlots\":";
    private static final String NO = "\"success\":false,\"premium\":false";

    private static Vertx vertx;

    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private TestServer server;

    @BeforeAll
    static void startVertx() {
        vertx = EventLoops.watched();
    }

    @AfterAll
    static void stopVertx() {
        await(vertx.close());
    }

    @BeforeEach
    void start() {
        server = TestServer.start(
                vertx,
                licenses,
                new InMemoryIdempotencyStore(),
                new Policy(0, 2),
                InstantSource.fixed(Instant.ofEpochMilli(NOW_MILLIS)));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Nested
    class Activate {
        @Test
        void ok() {
            issue("", "");

            assertExplained(
                    "/activate",
                    200,
                    "\"success\":true,\"premium\":true,\"remainingSlots\":1",
                    "ok",
                    ",\"expiresAt\":null,\"maxMachines\":2");
        }

        @Test
        void ok_with_its_end() {
            issue(",\"expiresAt\":1719000000001", "");

            assertExplained(
                    "/activate",
                    200,
                    "\"success\":true,\"premium\":true,\"remainingSlots\":1",
                    "ok",
                    ",\"expiresAt\":1719000000001,\"maxMachines\":2");
        }

        @Test
        void not_found() {
            assertExplained("/activate", 404, refusal("License not found"), "not_found", "");
        }

        @Test
        void not_found_for_what_can_be_no_key() {
            HttpResponse<String> answer =
                    server.post("/activate", "{\"key\":\"{}\",\"machineId\":\"m\",\"explain\":true}");

            assertThat(answer.body()).isEqualTo("{" + refusal("License not found") + ",\"reason\":\"not_found\"}");
        }

        @Test
        void disabled() {
            issue(",\"disabled\":true", "");

            assertExplained("/activate", 403, refusal("License disabled"), "disabled", NO_END + 2);
        }

        @Test
        void expired() {
            issue(",\"expiresAt\":1719000000000", "");

            assertExplained("/activate", 403, refusal("License expired"), "expired", ENDED + 2);
        }

        @Test
        void limit_exceeded() {
            issue("", machine("a") + "," + machine("b"));

            assertExplained("/activate", 403, refusal("Activation limit exceeded"), "limit_exceeded", NO_END + 0);
        }

        @Test
        void too_many_new_machines() {
            issue(",\"newMachines\":[" + machine("a") + "," + machine("b") + "]", "");

            assertExplained("/activate", 403, refusal("Too many new machines"), "too_many_new_machines", NO_END + 2);
        }
    }

    @Nested
    class Validate {
        @Test
        void ok() {
            issue("", machine("m"));

            assertExplained("/validate", 200, "\"success\":true,\"premium\":true", "ok", NO_END + 1);
        }

        @Test
        void not_found() {
            assertExplained("/validate", 200, NO, "not_found", "");
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "\"key\":5,", "\"key\":\"K\",", "\"key\":\"{}\",\"machineId\":\"m\","})
        void not_found_where_something_is_missing(String fields) {
            assertThat(server.post("/validate", "{" + fields + "\"explain\":true}")
                            .body())
                    .isEqualTo("{" + NO + ",\"reason\":\"not_found\"}");
        }

        @Test
        void disabled() {
            issue(",\"disabled\":true", machine("m"));

            assertExplained("/validate", 200, NO, "disabled", NO_END + 1);
        }

        @Test
        void expired() {
            issue(",\"expiresAt\":1719000000000", machine("m"));

            assertExplained("/validate", 200, NO, "expired", ENDED + 1);
        }

        @Test
        void not_activated() {
            issue("", machine("a") + "," + machine("b") + "," + machine("c"));

            assertExplained("/validate", 200, NO, "not_activated", NO_END + 0);
        }
    }

    @Nested
    class Deactivate {
        @Test
        void ok() {
            issue("", machine("m"));

            assertExplained("/deactivate", 200, "\"success\":true", "ok", NO_END + 2);
        }

        @Test
        void ok_where_the_license_is_disabled_and_expired() {
            issue(",\"disabled\":true,\"expiresAt\":1719000000000", machine("m"));

            assertExplained("/deactivate", 200, "\"success\":true", "ok", ENDED + 2);
        }

        @Test
        void not_found() {
            assertExplained("/deactivate", 404, refusal("License not found"), "not_found", "");
        }
    }

    @Nested
    class WithoutExplain {
        @ParameterizedTest
        @ValueSource(
                strings = {"", ",\"explain\":false", ",\"explain\":null", ",\"explain\":\"true\"", ",\"explain\":1"})
        void no_byte_changes(String explain) {
            issue("", "");

            assertThat(post("/activate", explain).body())
                    .isEqualTo("{\"success\":true,\"premium\":true,\"remainingSlots\":1}");
            assertThat(post("/validate", explain).body()).isEqualTo("{\"success\":true,\"premium\":true}");
            assertThat(post("/deactivate", explain).body()).isEqualTo("{\"success\":true}");
            issue(",\"disabled\":true", "");
            assertThat(post("/activate", explain).body()).isEqualTo("{" + refusal("License disabled") + "}");
            assertThat(post("/validate", explain).body()).isEqualTo("{" + NO + "}");
        }
    }

    @Nested
    class Label {
        @Test
        void is_shown() {
            issue("", "");

            assertThat(post("/activate", ",\"label\":\"Ada's laptop\"").body())
                    .isEqualTo("{\"success\":true,\"premium\":true,\"remainingSlots\":1}");

            assertThat(server.postAsAdmin("/license-info", "{\"key\":\"" + KEY + "\"}")
                            .body())
                    .contains("{\"machineId\":\"m\",\"activatedAt\":1719000000000,\"label\":\"Ada's laptop\"}");
        }

        @Test
        void may_have_100_characters() {
            issue("", "");

            assertThat(post("/activate", ",\"label\":\"" + "x".repeat(100) + "\"")
                            .statusCode())
                    .isEqualTo(200);
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"\"", "5", "true", "[]", "\"a\\nb\"", "\"\\ud83d\"", "LONG"})
        void is_refused_where_it_is_none_and_activates_nothing(String label) {
            issue("", "");
            String value = label.equals("LONG") ? "\"" + "x".repeat(101) + "\"" : label;

            HttpResponse<String> answer = post("/activate", ",\"label\":" + value);

            assertThat(answer.statusCode()).isEqualTo(400);
            assertThat(answer.body())
                    .isEqualTo("{" + refusal("label must be text of 1 to 100 characters without control characters")
                            + "}");
            assertThat(post("/validate", "").body()).isEqualTo("{" + NO + "}");
        }
    }

    private void assertExplained(String path, int status, String answer, String reason, String more) {
        HttpResponse<String> explained = post(path, ",\"explain\":true");

        assertThat(explained.body()).isEqualTo("{" + answer + ",\"reason\":\"" + reason + "\"" + more + "}");
        assertThat(explained.statusCode()).isEqualTo(status);
    }

    private HttpResponse<String> post(String path, String more) {
        return server.post(path, "{\"key\":\"" + KEY + "\",\"machineId\":\"m\"" + more + "}");
    }

    private void issue(String fields, String machines) {
        licenses.put(
                "license:" + KEY,
                "{\"key\":\"" + KEY + "\",\"email\":\"a@b\",\"createdAt\":0,\"maxMachines\":2,\"machines\":[" + machines
                        + "]" + fields + "}");
        licenses.put("email:a@b", KEY);
    }

    private static String machine(String machineId) {
        return "{\"machineId\":\"" + machineId + "\",\"activatedAt\":" + (machineId.equals("m") ? 1 : NOW_MILLIS) + "}";
    }

    private static String refusal(String message) {
        return "\"success\":false,\"message\":\"" + message + "\"";
    }
}
