package licenseserver.api;

import static licenseserver.Await.await;
import static licenseserver.api.TestServer.ADMIN_SECRET;
import static licenseserver.api.TestServer.NOW_MILLIS;
import static licenseserver.api.TestServer.PATIENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import licenseserver.EventLoops;
import licenseserver.capability.Readiness;
import licenseserver.http.RawConnection;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.History;
import licenseserver.store.InMemoryLicenseStore;
import licenseserver.store.LicenseStore;
import licenseserver.store.Registration;
import licenseserver.store.Sign;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The HTTP contract, line by line and to the byte, over licenses in memory. */
@SuppressWarnings("NullAway.Init")
class ApiTest {
    private static final String KEY = "K7FH-WP3A-M9QZ-B2CD";
    private static final String BEARER = "Bearer " + ADMIN_SECRET;

    private static final String NOT_VALID = "{\"success\":false,\"premium\":false}";
    private static final String VALID = "{\"success\":true,\"premium\":true}";

    private static Vertx vertx;
    private static HttpClient client;

    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private TestServer server;

    @BeforeAll
    static void startClient() {
        vertx = EventLoops.watched();
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    }

    @AfterAll
    static void stopVertx() {
        await(vertx.close());
    }

    @BeforeEach
    void startServer() {
        server = TestServer.start(vertx, licenses);
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    static Stream<String> calls() {
        return Stream.concat(adminCalls(), Stream.of("/activate", "/validate", "/deactivate"));
    }

    static Stream<String> adminCalls() {
        return Stream.of(
                "/register-license",
                "/license-info",
                "/disable-license",
                "/enable-license",
                "/update-license",
                "/reset-machines",
                "/rotate-key",
                "/delete-license",
                "/license-history",
                "/recent-events");
    }

    /** The calls, with input that makes each of them ask the store. */
    static Stream<String> callsWithInput() {
        return Stream.concat(callsOnALicense(), Stream.of("/recent-events {}"));
    }

    /** Those that can do nothing with a record that is not a license; /license-info and /delete-license can. */
    static Stream<String> callsOnAnUnreadableLicense() {
        return callsOnALicense().filter(call -> !call.matches("/(license-info|delete-license) .*"));
    }

    /** The calls that read a license, with input that makes each of them do so. */
    static Stream<String> callsOnALicense() {
        return Stream.of(
                "/disable-license {\"key\":\"K\"}",
                "/enable-license {\"email\":\"a@b\"}",
                "/update-license {\"key\":\"K\",\"maxMachines\":5}",
                "/update-license {\"key\":\"K\",\"newEmail\":\"c@d\"}",
                "/reset-machines {\"key\":\"K\"}",
                "/rotate-key {\"key\":\"K\"}",
                "/delete-license {\"key\":\"K\"}",
                "/license-history {\"key\":\"K\"}",
                "/register-license {\"email\":\"a@b\"}",
                "/license-info {\"key\":\"K\"}",
                "/license-info {\"email\":\"a@b\"}",
                "/activate {\"key\":\"K\",\"machineId\":\"m\"}",
                "/validate {\"key\":\"K\",\"machineId\":\"m\"}",
                "/deactivate {\"key\":\"K\",\"machineId\":\"m\"}");
    }

    @Nested
    class Options {
        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#calls")
        @ValueSource(strings = {"/", "/unknown", "/livez", "/validate/", "/validate?x=1"})
        void tells_a_browser_what_it_may_send_to_any_path(String path) {
            HttpResponse<String> answer = send(
                    request(path).method("OPTIONS", BodyPublishers.noBody()).build());

            assertThat(answer.statusCode()).isEqualTo(204);
            assertThat(answer.body()).isEmpty();
            assertThat(answer.headers().map())
                    .containsEntry("access-control-allow-origin", List.of("*"))
                    .containsEntry("access-control-allow-methods", List.of("POST, OPTIONS"))
                    .containsEntry("access-control-allow-headers", List.of("Content-Type, Authorization"))
                    .doesNotContainKey("content-type");
        }

        @Test
        void does_not_look_at_the_body() {
            HttpResponse<String> answer = send(request("/validate")
                    .method("OPTIONS", BodyPublishers.ofString("{"))
                    .build());

            assertThat(answer.statusCode()).isEqualTo(204);
        }

        @Test
        void tells_the_configured_origin_as_every_answer_does() {
            String origin = "https://shop.example";
            try (TestServer other =
                    TestServer.start(vertx, licenses, origin, PATIENT, PATIENT, () -> Readiness.READY)) {
                for (String method : List.of("OPTIONS", "GET", "POST")) {
                    HttpResponse<String> answer = send(HttpRequest.newBuilder(other.uri("/validate"))
                            .method(method, BodyPublishers.noBody())
                            .build());
                    assertThat(answer.headers().allValues("access-control-allow-origin"))
                            .containsExactly(origin);
                }
            }
        }
    }

    @Nested
    class OtherMethod {
        @ParameterizedTest
        @ValueSource(strings = {"GET", "PUT", "DELETE", "PATCH", "PROPFIND", "post"})
        void is_not_allowed_on_calls_and_unknown_paths(String method) {
            Stream.concat(calls(), Stream.of("/unknown", "/validate/")).forEach(path -> {
                HttpResponse<String> answer = send(
                        request(path).method(method, BodyPublishers.noBody()).build());

                assertAnswer(answer, 405, refusal("Method not allowed"));
                assertThat(answer.headers().allValues("allow")).containsExactly("POST, OPTIONS");
            });
        }

        @Test
        void is_told_before_anything_about_the_body() {
            assertAnswer(
                    send(request("/activate")
                            .method("PUT", BodyPublishers.ofString("no json"))
                            .build()),
                    405,
                    refusal("Method not allowed"));
        }

        @Test
        void leaves_the_connection_to_further_calls() {
            try (RawConnection connection = server.connect()) {
                connection.send("PUT /activate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{\"a\":");
                assertThat(connection.read().status()).isEqualTo(405);

                connection.send(RawConnection.post("/validate", "{}"));
                assertThat(connection.read().body()).isEqualTo(NOT_VALID);
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"/livez", "/readyz", "/health", "/unknown", "/validate"})
        void is_answered_like_get_but_without_the_body_if_it_is_head(String path) {
            HttpResponse<String> get = send(request(path).GET().build());
            HttpResponse<String> head =
                    send(request(path).method("HEAD", BodyPublishers.noBody()).build());

            assertThat(head.statusCode()).isEqualTo(get.statusCode());
            assertThat(head.headers().map()).isEqualTo(get.headers().map());
            assertThat(head.body()).isEmpty();
        }

        @Test
        void is_answered_without_a_body_where_it_is_head() {
            HttpResponse<String> answer = send(
                    request("/validate").method("HEAD", BodyPublishers.noBody()).build());

            assertThat(answer.statusCode()).isEqualTo(405);
            assertThat(answer.body()).isEmpty();
        }
    }

    @Nested
    class Body {
        @ParameterizedTest
        @ValueSource(
                strings = {"", " ", "{", "{\"key\":\"K\",}", "key=K&machineId=m", "{} {}", "{\"a\":1,\"a\":1}", "NaN"})
        void that_is_no_json_is_refused_before_routing_and_authorization(String body) {
            Stream.concat(calls(), Stream.of("/", "/unknown", "/validate/", "/livez"))
                    .forEach(path -> assertAnswer(post(path, body), 400, refusal("Invalid JSON")));
        }

        @ParameterizedTest
        @ValueSource(strings = {"null", "[]", "5", "true", "\"text\"", "[{\"key\":\"K\"}]"})
        void that_is_no_object_is_refused_before_routing_and_authorization(String body) {
            Stream.concat(calls(), Stream.of("/unknown", "/validate/"))
                    .forEach(path -> assertAnswer(post(path, body), 400, refusal("JSON object required")));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=x",
                    "text/plain; charset=utf-16",
                    "application/json",
                    "no type"
                })
        void is_json_whatever_its_type_says(String contentType) {
            issue(3, false, "one");

            assertAnswer(
                    send(request("/validate")
                            .header("Content-Type", contentType)
                            .POST(BodyPublishers.ofString(input(KEY, "one")))
                            .build()),
                    200,
                    VALID);
        }

        @Test
        void may_have_fields_that_nobody_asks_for() {
            issue(3, false, "one");

            assertAnswer(
                    post(
                            "/validate",
                            "{\"a\":1e999999999,\"key\":\"" + KEY
                                    + "\",\"b\":[{\"key\":null}],\"machineId\":\"one\",\"email\":5}"),
                    200,
                    VALID);
        }

        @Test
        void may_have_16_kib_and_no_more() {
            String padded = "{\"a\":\"" + "x".repeat(16 * 1024 - 8) + "\"}";
            assertThat(padded).hasSize(16 * 1024);

            assertAnswer(post("/validate", padded), 200, NOT_VALID);
            assertAnswer(post("/validate", padded + " "), 413, refusal("Request body too large"));
        }

        @Test
        void is_counted_before_anything_else_about_it() {
            assertAnswer(post("/unknown", "x".repeat(16 * 1024 + 1)), 413, refusal("Request body too large"));
        }
    }

    @Nested
    class Path {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "/",
                    "/unknown",
                    "/validate/",
                    "//validate",
                    "/Validate",
                    "/VALIDATE",
                    "/validate/x",
                    "/x/../validate",
                    "/./validate",
                    "/valid%61te",
                    "/validate%20",
                    "/validate;x=1",
                    "/register_license",
                    "/livez",
                    "/%2e%2e/validate"
                })
        void that_is_unknown_is_not_found(String path) {
            assertAnswer(post(path, input(KEY, "one")), 404, refusal("Not found"));
        }

        @ParameterizedTest
        @ValueSource(strings = {"/%", "/%zz", "/validate%", "/%c3%28", "/%00", "/[", "/\"<script>", "/\u00e9"})
        void that_is_malformed_is_not_found(String path) {
            try (RawConnection connection = server.connect()) {
                RawConnection.Answer answer =
                        connection.send(RawConnection.post(path, "{}")).read();

                assertThat(answer.status()).isEqualTo(404);
                assertThat(answer.body()).isEqualTo(refusal("Not found"));
                assertThat(answer.headers()).containsEntry("content-type", "application/json");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"?", "?x=1", "?key=other&machineId=other", "?%zz", "?a?b/c"})
        void is_read_without_the_query(String query) {
            issue(3, false, "one");
            try (RawConnection connection = server.connect()) {
                RawConnection.Answer answer = connection
                        .send(RawConnection.post("/validate" + query, input(KEY, "one")))
                        .read();

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.body()).isEqualTo(VALID);
            }
        }

        @Test
        void of_an_admin_call_is_only_the_exact_one() {
            assertAnswer(post("/license-info/", "{}"), 404, refusal("Not found"));
        }
    }

    @Nested
    class Authorization {
        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#adminCalls")
        void is_required_for_admin_calls(String path) {
            assertAnswer(post(path, "{}"), 401, refusal("Unauthorized"));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "Bearer",
                    "Bearer undefined",
                    "Bearer null",
                    "Bearer wrong",
                    ADMIN_SECRET,
                    "bearer " + ADMIN_SECRET,
                    "BEARER " + ADMIN_SECRET,
                    "Basic " + ADMIN_SECRET,
                    "Bearer  " + ADMIN_SECRET,
                    "Bearer\t" + ADMIN_SECRET,
                    "Bearer " + ADMIN_SECRET + "x",
                    "Bearer " + ADMIN_SECRET + " x",
                    "Bearer " + ADMIN_SECRET + ","
                })
        void is_exactly_the_secret(String header) {
            adminCalls()
                    .forEach(path -> assertAnswer(
                            send(request(path)
                                    .header("Authorization", header)
                                    .POST(BodyPublishers.ofString("{\"email\":\"a@b\"}"))
                                    .build()),
                            401,
                            refusal("Unauthorized")));
            assertThat(await(licenses.findByEmail(new Email("a@b")))).isEmpty();
        }

        /** White space around a header's value is no part of it (RFC 9110, 5.5). */
        @ParameterizedTest
        @ValueSource(
                strings = {"Authorization: " + BEARER + "  ", "authorization:" + BEARER, "AUTHORIZATION: \t" + BEARER})
        void does_not_mind_how_http_writes_a_header(String line) {
            try (RawConnection connection = server.connect()) {
                RawConnection.Answer answer = connection
                        .send(RawConnection.post("/license-info", "{}", line))
                        .read();

                assertThat(answer.status()).isEqualTo(404);
            }
        }

        @Test
        void is_asked_for_before_the_fields_are_looked_at() {
            assertAnswer(post("/register-license", "{\"email\":\"none\"}"), 401, refusal("Unauthorized"));
        }

        @Test
        void is_not_asked_for_by_public_calls() {
            issue(3, false, "one");

            assertAnswer(
                    send(request("/validate")
                            .header("Authorization", "Bearer wrong")
                            .POST(BodyPublishers.ofString(input(KEY, "one")))
                            .build()),
                    200,
                    VALID);
        }
    }

    @Nested
    class RegisterLicense {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{\"email\":null}",
                    "{\"email\":\"\"}",
                    "{\"email\":5}",
                    "{\"email\":true}",
                    "{\"email\":[\"a@b\"]}",
                    "{\"email\":{\"a\":\"a@b\"}}",
                    "{\"Email\":\"a@b\"}"
                })
        void requires_an_email(String body) {
            assertAnswer(postAsAdmin("/register-license", body), 400, refusal("Email required"));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {" ", "customer", "@b", "a@", "a b@c", "a@b\\nc", "a@b\\u0000", "\\ud83d@b", "a@\\ude00"})
        void refuses_what_is_no_address(String email) {
            assertAnswer(
                    postAsAdmin("/register-license", "{\"email\":\"" + email + "\"}"), 400, refusal("Email invalid"));
        }

        @Test
        void refuses_an_address_of_more_than_254_characters() {
            assertAnswer(
                    postAsAdmin("/register-license", "{\"email\":\"" + "a".repeat(253) + "@b\"}"),
                    400,
                    refusal("Email invalid"));
        }

        @Test
        void creates_a_license() {
            HttpResponse<String> answer = postAsAdmin("/register-license", "{\"email\":\"customer@example.com\"}");

            String key = new JsonObject(answer.body()).getString("key");
            assertThat(key).matches("([A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}");
            assertAnswer(answer, 200, "{\"success\":true,\"key\":\"" + key + "\",\"email\":\"customer@example.com\"}");
            assertInfo(
                    key,
                    "{\"key\":\"" + key + "\",\"email\":\"customer@example.com\",\"createdAt\":" + NOW_MILLIS
                            + ",\"maxMachines\":3,\"disabled\":false,\"machines\":[]}");
        }

        @ParameterizedTest
        @ValueSource(strings = {"Customer@Example.COM", "  customer@example.com\\n", "\\u0063USTOMER@example.com"})
        void compares_an_address_without_letter_case_and_surrounding_white_space(String email) {
            String key = register("customer@example.com");

            assertAnswer(
                    postAsAdmin("/register-license", "{\"email\":\"" + email + "\"}"),
                    200,
                    "{\"success\":false,\"message\":\"Email already registered\",\"key\":\"" + key + "\"}");
        }

        @Test
        void answers_with_the_address_as_it_is_compared() {
            HttpResponse<String> answer = postAsAdmin("/register-license", "{\"email\":\" M\u00fcller@Example.com \"}");

            assertThat(answer.body()).endsWith(",\"email\":\"m\u00fcller@example.com\"}");
        }

        @Test
        void gives_every_address_a_key_of_its_own() {
            assertThat(register("a@example.com")).isNotEqualTo(register("b@example.com"));
        }
    }

    @Nested
    class LicenseInfo {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{\"key\":\"\",\"email\":\"\"}",
                    "{\"key\":null,\"email\":null}",
                    "{\"key\":5,\"email\":[]}",
                    "{\"key\":\"UNKNOWN\"}",
                    "{\"key\":\" \"}",
                    "{\"key\":\"{}\"}",
                    "{\"key\":\"\\ud83d\"}",
                    "{\"key\":\"\\u0000\"}",
                    "{\"email\":\"unknown@example.com\"}",
                    "{\"email\":\"no address\"}",
                    "{\"machineId\":\"one\"}"
                })
        void finds_nothing_for_what_is_unknown_or_not_given(String body) {
            assertAnswer(postAsAdmin("/license-info", body), 404, refusal("License not found"));
        }

        @Test
        void shows_the_whole_license() {
            issue(3, false, "machine-001");

            assertInfo(
                    KEY,
                    "{\"key\":\"" + KEY + "\",\"email\":\"customer@example.com\",\"createdAt\":1719000000000,"
                            + "\"maxMachines\":3,\"disabled\":false,"
                            + "\"machines\":[{\"machineId\":\"machine-001\",\"activatedAt\":1719000000000}]}");
        }

        @Test
        void shows_fields_that_it_does_not_know() {
            String record = "{\"key\":\"LEGACY\",\"email\":\"a@b\",\"createdAt\":0,\"maxMachines\":1,"
                    + "\"disabled\":true,\"machines\":[{\"machineId\":\"m\",\"activatedAt\":0,\"os\":\"linux\"}],"
                    + "\"price\":1.0,\"n\":[1e400,\"\\u0041\"]}";
            licenses.put("license:LEGACY", record);

            assertInfo("legacy", record);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{\"email\":\"customer@example.com\"}",
                    "{\"email\":\" Customer@Example.COM \"}",
                    "{\"key\":\"\",\"email\":\"customer@example.com\"}",
                    "{\"key\":null,\"email\":\"customer@example.com\"}",
                    "{\"key\":5,\"email\":\"customer@example.com\"}"
                })
        void finds_the_license_of_an_email_where_no_key_is_given(String body) {
            issue(3, false);

            HttpResponse<String> answer = postAsAdmin("/license-info", body);

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).contains(KEY);
        }

        @Test
        void lets_the_key_win_over_the_email() {
            issue(3, false);
            register("other@example.com");

            HttpResponse<String> found =
                    postAsAdmin("/license-info", "{\"email\":\"other@example.com\",\"key\":\"" + KEY + "\"}");
            HttpResponse<String> unknown =
                    postAsAdmin("/license-info", "{\"email\":\"other@example.com\",\"key\":\"UNKNOWN\"}");

            assertThat(found.body()).contains(KEY, "customer@example.com");
            assertAnswer(unknown, 404, refusal("License not found"));
        }
    }

    @Nested
    class Activate {
        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#missingKeyOrMachine")
        void requires_key_and_machine(String body) {
            issue(3, false);

            assertAnswer(post("/activate", body), 400, refusal("key and machineId required"));
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#invalidMachineIds")
        void refuses_an_invalid_machine(String machineId) {
            issue(3, false);

            assertAnswer(post("/activate", input(KEY, machineId)), 400, refusal("machineId invalid"));
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#unknownKeys")
        void does_not_find_an_unknown_key(String key) {
            assertAnswer(post("/activate", input(key, "one")), 404, refusal("License not found"));
        }

        @Test
        void refuses_a_disabled_license_also_where_the_machine_is_active_or_it_is_full() {
            issue(1, true, "one");

            assertAnswer(post("/activate", input(KEY, "one")), 403, refusal("License disabled"));
            assertAnswer(post("/activate", input(KEY, "two")), 403, refusal("License disabled"));
        }

        @Test
        void counts_the_slots_down_and_then_refuses() {
            issue(3, false);

            assertAnswer(post("/activate", input(KEY, "one")), 200, activated(2));
            assertAnswer(post("/activate", input(KEY, "two")), 200, activated(1));
            assertAnswer(post("/activate", input(KEY, "three")), 200, activated(0));
            assertAnswer(post("/activate", input(KEY, "four")), 403, refusal("Activation limit exceeded"));
            assertInfo(
                    KEY,
                    "{\"key\":\"" + KEY + "\",\"email\":\"customer@example.com\",\"createdAt\":" + NOW_MILLIS
                            + ",\"maxMachines\":3,\"disabled\":false,\"machines\":["
                            + "{\"machineId\":\"one\",\"activatedAt\":" + NOW_MILLIS + "},"
                            + "{\"machineId\":\"two\",\"activatedAt\":" + NOW_MILLIS + "},"
                            + "{\"machineId\":\"three\",\"activatedAt\":" + NOW_MILLIS + "}]}");
        }

        @Test
        void uses_no_slot_for_an_active_machine_also_where_every_slot_is_taken() {
            issue(2, false, "one");

            assertAnswer(post("/activate", input(KEY, "one")), 200, activated(1));
            assertAnswer(post("/activate", input(KEY, "two")), 200, activated(0));
            assertAnswer(post("/activate", input(KEY, "one")), 200, activated(0));
            assertAnswer(post("/activate", input(KEY, "two")), 200, activated(0));
        }

        @Test
        void tells_no_negative_number_of_slots() {
            issue(1, false, "one", "two");

            assertAnswer(post("/activate", input(KEY, "two")), 200, activated(0));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "k7fh-wp3a-m9qz-b2cd",
                    " K7FH-WP3A-M9QZ-B2CD\\n",
                    "K7FHWP3AM9QZB2CD",
                    "K7FH\u2013WP3A M9QZ\\u00a0B2CD"
                })
        void forgives_how_a_key_is_typed(String key) {
            issue(3, false);

            assertAnswer(post("/activate", input(key, "one")), 200, activated(2));
        }

        @Test
        void finds_an_imported_key_in_any_letter_case() {
            licenses.put(
                    "license:LEGACY-0001",
                    "{\"key\":\"LEGACY-0001\",\"email\":\"a@b\",\"createdAt\":0,\"maxMachines\":1}");

            assertAnswer(post("/activate", input("Legacy-0001", "one")), 200, activated(0));
        }

        @Test
        void takes_machines_for_what_they_are_to_the_letter() {
            issue(5, false, "one");

            assertAnswer(post("/activate", input(KEY, "One")), 200, activated(3));
            assertAnswer(post("/activate", input(KEY, "one ")), 200, activated(2));
            assertAnswer(post("/activate", input(KEY, " ")), 200, activated(1));
            assertAnswer(post("/activate", input(KEY, "\ud83d\ude00".repeat(128))), 200, activated(0));
            assertAnswer(post("/activate", input(KEY, "\\ud83d\\ude00".repeat(128))), 200, activated(0));
        }
    }

    @Nested
    class Validate {
        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#missingKeyOrMachine")
        void says_no_where_something_is_missing(String body) {
            issue(3, false, "one");

            assertAnswer(post("/validate", body), 200, NOT_VALID);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#invalidMachineIds")
        void says_no_for_an_invalid_machine(String machineId) {
            issue(3, false, "one");

            assertAnswer(post("/validate", input(KEY, machineId)), 200, NOT_VALID);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#unknownKeys")
        void says_no_for_an_unknown_key(String key) {
            issue(3, false, "one");

            assertAnswer(post("/validate", input(key, "one")), 200, NOT_VALID);
        }

        @Test
        void says_no_for_a_disabled_license() {
            issue(3, true, "one");

            assertAnswer(post("/validate", input(KEY, "one")), 200, NOT_VALID);
        }

        @ParameterizedTest
        @ValueSource(strings = {"two", "One", "one ", " one", "on\\u0435"})
        void says_no_for_a_machine_that_is_not_active(String machineId) {
            issue(3, false, "one");

            assertAnswer(post("/validate", input(KEY, machineId)), 200, NOT_VALID);
        }

        @Test
        void says_yes_for_an_active_machine() {
            issue(1, false, "one");

            assertAnswer(post("/validate", input(KEY, "one")), 200, VALID);
            assertAnswer(post("/validate", input(" k7fhwp3am9qzb2cd ", "one")), 200, VALID);
        }

        @Test
        void changes_nothing() {
            issue(1, false);
            Optional<License> before = await(licenses.find(new LicenseKey(KEY)));

            post("/validate", input(KEY, "one"));

            assertThat(await(licenses.find(new LicenseKey(KEY)))).isEqualTo(before);
        }
    }

    @Nested
    class Deactivate {
        private static final String DEACTIVATED = "{\"success\":true}";

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#missingKeyOrMachine")
        void requires_key_and_machine(String body) {
            issue(3, false);

            assertAnswer(post("/deactivate", body), 400, refusal("key and machineId required"));
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#invalidMachineIds")
        void refuses_an_invalid_machine(String machineId) {
            issue(3, false);

            assertAnswer(post("/deactivate", input(KEY, machineId)), 400, refusal("machineId invalid"));
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#unknownKeys")
        void does_not_find_an_unknown_key(String key) {
            assertAnswer(post("/deactivate", input(key, "one")), 404, refusal("License not found"));
        }

        @Test
        void gives_the_slot_to_another_machine() {
            issue(1, false, "one");

            assertAnswer(post("/deactivate", input(KEY, "one")), 200, DEACTIVATED);
            assertAnswer(post("/validate", input(KEY, "one")), 200, NOT_VALID);
            assertAnswer(post("/activate", input(KEY, "two")), 200, activated(0));
        }

        @Test
        void says_yes_also_where_the_machine_was_not_active() {
            issue(1, false, "one");

            assertAnswer(post("/deactivate", input(KEY, "two")), 200, DEACTIVATED);
            assertAnswer(post("/validate", input(KEY, "one")), 200, VALID);
        }

        @Test
        void lets_go_of_a_machine_of_a_disabled_license() {
            issue(1, true, "one");

            assertAnswer(post("/deactivate", input(KEY, "one")), 200, DEACTIVATED);
            assertThat(await(licenses.find(new LicenseKey(KEY))).orElseThrow().machines())
                    .isEmpty();
        }
    }

    static Stream<String> missingKeyOrMachine() {
        return Stream.of("", "null", "\"\"", "5", "true", "{}", "[]", "[\"" + KEY + "\"]")
                .flatMap(value -> value.isEmpty()
                        ? Stream.of("{\"machineId\":\"one\"}", "{\"key\":\"" + KEY + "\"}", "{}")
                        : Stream.of(
                                "{\"key\":" + value + ",\"machineId\":\"one\"}",
                                "{\"key\":\"" + KEY + "\",\"machineId\":" + value + "}",
                                "{\"key\":\"UNKNOWN\",\"machineId\":" + value + "}",
                                "{\"key\":" + value + ",\"machineId\":\"\\u0000\"}"));
    }

    /** As they stand in JSON. */
    static Stream<String> invalidMachineIds() {
        return Stream.of(
                "\\u0000",
                "one\\n",
                "\\tone",
                "\\u001f",
                "\\u007f",
                "\u007f",
                "\\u0085",
                "\\ud83d",
                "\\ude00x",
                "x".repeat(257));
    }

    /** As they stand in JSON. */
    static Stream<String> unknownKeys() {
        return Stream.of(
                "AAAA-AAAA-AAAA-AAAA",
                "K7FH-WP3A-M9QZ-B2C",
                "K7FH-WP3A-M9QZ-B2CDE",
                "license:" + KEY,
                "*",
                " ",
                "-",
                "\\u0000",
                KEY + "\\u0000",
                "{" + KEY + "}",
                "\\ud83d",
                "X".repeat(65),
                "X".repeat(10_000));
    }

    @Nested
    class Pages {
        @Test
        void tell_that_the_server_is_alive() {
            assertAnswer(get("/livez"), 200, "{\"success\":true,\"status\":\"alive\",\"version\":\"1.2.3\"}");
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                quoteCharacter = '\0',
                value = {
                    "READY             | 200 | {\"success\":true,\"status\":\"ready\"}",
                    "DEGRADED          | 200 | {\"success\":true,\"status\":\"degraded\"}",
                    "STORE_LOST        | 503 | {\"success\":false,\"message\":\"Redis has lost its data\"}",
                    "RIGHTS_MISSING    | 503 | {\"success\":false,\"message\":\"The user of Redis lacks a right\"}",
                    "STORE_UNAVAILABLE | 503 | {\"success\":false,\"message\":\"Redis does not answer\"}",
                    "STOPPING          | 503 | {\"success\":false,\"message\":\"Stopping\"}"
                })
        void tell_whether_calls_are_answered(Readiness readiness, int status, String body) {
            try (TestServer other = TestServer.start(vertx, licenses, "*", PATIENT, PATIENT, () -> readiness)) {
                for (String path : List.of("/readyz", "/health")) {
                    assertAnswer(send(HttpRequest.newBuilder(other.uri(path)).build()), status, body);
                }
                assertThat(send(HttpRequest.newBuilder(other.uri("/livez")).build())
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    @Nested
    class StoreFailure {
        private static final String TEXT = "hidden-text of " + KEY;

        private final PrintStream standardError = System.err;
        private final ByteArrayOutputStream log = new ByteArrayOutputStream();

        @BeforeEach
        void catchLog() {
            System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        }

        @AfterEach
        void releaseLog() {
            System.setErr(standardError);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#callsWithInput")
        void is_answered_503_with_when_to_try_again(String call) {
            try (TestServer failing = serverOn(() -> Future.failedFuture(new StoreUnavailableException(TEXT)))) {
                HttpResponse<String> answer = sendTo(failing, call);

                assertAnswer(answer, 503, refusal("Temporarily unavailable, please try again"));
                assertThat(answer.headers().allValues("retry-after")).containsExactly("1");
            }
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#callsWithInput")
        void that_nobody_expects_is_answered_500_and_logged_without_its_text(String call) {
            for (Supplier<Future<Object>> failure : List.<Supplier<Future<Object>>>of(
                    () -> Future.failedFuture(new IllegalStateException(TEXT)),
                    () -> Future.failedFuture(new IOException(TEXT)),
                    () -> {
                        throw new IllegalStateException(TEXT);
                    })) {
                try (TestServer failing = serverOn(failure)) {
                    assertAnswer(sendTo(failing, call), 500, refusal("Internal error"));
                }
            }
            assertThat(log.toString(StandardCharsets.UTF_8)).contains("ERROR").doesNotContain("hidden-text", KEY);
        }

        @Test
        void leaves_the_server_at_work() {
            try (TestServer failing = serverOn(() -> {
                throw new IllegalStateException(TEXT);
            })) {
                sendTo(failing, "/validate " + input(KEY, "one"));

                assertAnswer(sendTo(failing, "/validate {}"), 200, NOT_VALID);
            }
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.ApiTest#callsOnAnUnreadableLicense")
        void by_an_unreadable_record_is_answered_500_and_logged_without_its_text(String call) {
            putUnreadable(call);

            HttpResponse<String> answer = sendTo(server, call);

            assertAnswer(answer, 500, refusal("The stored license cannot be read"));
            assertThat(log.toString(StandardCharsets.UTF_8)).contains("ERROR").doesNotContain("hidden-text", KEY);
        }

        /** With a text of its own for each name: what was logged once is not logged again. */
        private void putUnreadable(String name) {
            licenses.put("license:K", "{\"key\":\"hidden-text\",\"name\":\"" + name.replace("\"", "") + "\"}");
            licenses.put("email:a@b", "K");
        }

        @Test
        void by_an_unreadable_record_is_logged_once_until_the_record_changes() {
            putUnreadable("one of many calls");
            for (int i = 0; i < 5; i++) {
                sendTo(server, "/activate " + input("K", "m"));
                sendTo(server, "/validate " + input("K", "m"));
            }
            assertThat(log.toString(StandardCharsets.UTF_8)).containsOnlyOnce("ERROR");

            putUnreadable("changed");
            sendTo(server, "/validate " + input("K", "m"));

            assertThat(log.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains("ERROR")))
                    .hasSize(2);
        }

        private TestServer serverOn(Supplier<Future<Object>> failure) {
            return TestServer.start(vertx, new FailingStore(failure));
        }

        private HttpResponse<String> sendTo(TestServer failing, String call) {
            int space = call.indexOf(' ');
            return send(HttpRequest.newBuilder(failing.uri(call.substring(0, space)))
                    .header("Authorization", BEARER)
                    .POST(BodyPublishers.ofString(call.substring(space + 1)))
                    .timeout(Duration.ofSeconds(10))
                    .build());
        }
    }

    /** Fails all calls in one way. */
    private record FailingStore(Supplier<Future<Object>> failure) implements LicenseStore {
        @Override
        public Future<Registration> register(Email email, Supplier<License> issue) {
            return fail();
        }

        @Override
        public Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now) {
            return fail();
        }

        @Override
        public Future<Optional<License>> find(LicenseKey key) {
            return fail();
        }

        @Override
        public Future<Optional<License>> findByEmail(Email email) {
            return fail();
        }

        @Override
        public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
            return fail();
        }

        @Override
        public Future<Void> addSigns(List<Sign> signs) {
            return fail();
        }

        @Override
        public Future<License> withSigns(License license) {
            return fail();
        }

        @Override
        public Future<History> history(LicenseKey key) {
            return fail();
        }

        @Override
        public Future<List<String>> recentEvents(int most) {
            return fail();
        }

        private <T> Future<T> fail() {
            return failure.get().compose(never -> Future.failedFuture("it succeeded"));
        }
    }

    /** Puts a license of customer@example.com into the store. */
    private void issue(int maxMachines, boolean disabled, String... machineIds) {
        String machines = Stream.of(machineIds)
                .map(machineId -> "{\"machineId\":\"" + machineId + "\",\"activatedAt\":" + NOW_MILLIS + "}")
                .reduce((one, two) -> one + "," + two)
                .orElse("");
        licenses.put(
                "license:" + KEY,
                "{\"key\":\"" + KEY + "\",\"email\":\"customer@example.com\",\"createdAt\":" + NOW_MILLIS
                        + ",\"maxMachines\":" + maxMachines + ",\"disabled\":" + disabled + ",\"machines\":[" + machines
                        + "]}");
        licenses.put("email:customer@example.com", KEY);
    }

    private String register(String email) {
        return new JsonObject(postAsAdmin("/register-license", "{\"email\":\"" + email + "\"}")
                        .body())
                .getString("key");
    }

    private void assertInfo(String key, String license) {
        assertAnswer(
                postAsAdmin("/license-info", "{\"key\":\"" + key + "\"}"),
                200,
                "{\"success\":true,\"license\":" + license + "}");
    }

    private static String input(String key, String machineId) {
        return "{\"key\":\"" + key + "\",\"machineId\":\"" + machineId + "\"}";
    }

    private static String refusal(String message) {
        return "{\"success\":false,\"message\":\"" + message + "\"}";
    }

    private static String activated(int remainingSlots) {
        return "{\"success\":true,\"premium\":true,\"remainingSlots\":" + remainingSlots + "}";
    }

    /** The answer has this status and body to the byte, and the headers that every answer with a body has. */
    private static void assertAnswer(HttpResponse<String> answer, int status, String body) {
        assertThat(answer.body()).isEqualTo(body);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().map())
                .containsEntry("content-type", List.of("application/json"))
                .containsEntry("access-control-allow-origin", List.of("*"))
                .containsEntry("content-length", List.of("" + body.getBytes(StandardCharsets.UTF_8).length));
    }

    private HttpResponse<String> get(String path) {
        return send(request(path).GET().build());
    }

    private HttpResponse<String> post(String path, String body) {
        return send(request(path).POST(BodyPublishers.ofString(body)).build());
    }

    private HttpResponse<String> postAsAdmin(String path, String body) {
        return send(request(path)
                .header("Authorization", BEARER)
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(server.uri(path)).timeout(Duration.ofSeconds(10));
    }

    private static HttpResponse<String> send(HttpRequest request) {
        try {
            return client.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
