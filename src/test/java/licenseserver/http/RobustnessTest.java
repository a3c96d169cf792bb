package licenseserver.http;

import static licenseserver.Await.await;
import static licenseserver.api.TestServer.ADMIN_SECRET;
import static licenseserver.api.TestServer.PATIENT;
import static licenseserver.http.RawConnection.get;
import static licenseserver.http.RawConnection.post;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import licenseserver.EventLoops;
import licenseserver.Wait;
import licenseserver.api.DelegatingStore;
import licenseserver.api.TestServer;
import licenseserver.capability.Readiness;
import licenseserver.http.RawConnection.Answer;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.store.InMemoryLicenseStore;
import licenseserver.store.LicenseStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What no well-behaved client sends. */
@SuppressWarnings("NullAway.Init")
class RobustnessTest {
    private static final Duration SOON = Duration.ofMillis(200);
    private static final String INPUT = "{\"key\":\"K\",\"machineId\":\"m\"}";
    private static final String VALID = "{\"success\":true,\"premium\":true}";

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
    void startServer() {
        licenses.put(
                "license:K",
                "{\"key\":\"K\",\"email\":\"a@b\",\"createdAt\":0,\"maxMachines\":1,"
                        + "\"machines\":[{\"machineId\":\"m\",\"activatedAt\":0}]}");
        server = TestServer.start(vertx, licenses);
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Nested
    class Silence {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "P",
                    "POST /validate HTTP/1.1",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Le",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                })
        void within_the_header_ends_the_connection_after_the_idle_time(String start) {
            try (TestServer impatient = impatient(PATIENT, SOON);
                    RawConnection connection = impatient.connect().send(start)) {
                assertThat(connection.isClosed()).isTrue();
            }
        }

        @Test
        void after_an_answer_ends_the_connection_after_the_idle_time() {
            try (TestServer impatient = impatient(PATIENT, SOON);
                    RawConnection connection = impatient.connect().send(post("/validate", INPUT))) {
                assertThat(connection.read().body()).isEqualTo(VALID);
                assertThat(connection.isClosed()).isTrue();
            }
        }

        @Test
        void within_the_body_is_answered_408_after_the_body_time_and_ends_the_connection() {
            try (TestServer impatient = impatient(SOON, PATIENT)) {
                List<RawConnection> connections = Stream.of(
                                "Content-Length: 20\r\n\r\n",
                                "Content-Length: 20\r\n\r\n{\"key\":",
                                "Transfer-Encoding: chunked\r\n\r\n",
                                "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"key\":",
                                "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
                                "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n")
                        .map(rest -> impatient.connect().send("POST /validate HTTP/1.1\r\nHost: x\r\n" + rest))
                        .toList();
                for (RawConnection connection : connections) {
                    try (connection) {
                        List<Answer> answers = connection.readAll();

                        assertRefused(answers.get(answers.size() - 1), 408, "Request body not received in time");
                    }
                }
            }
        }

        @Test
        void within_a_body_that_was_refused_ends_the_connection_after_the_body_time() {
            try (TestServer impatient = impatient(SOON, PATIENT);
                    RawConnection connection = impatient
                            .connect()
                            .send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n ")) {
                assertRefused(connection.read(), 413, "Request body too large");
                assertThat(connection.isClosed()).isTrue();
            }
        }

        @Test
        void within_the_body_ends_all_that_the_connection_can_do() {
            licenses.put(
                    "license:FREE",
                    "{\"key\":\"FREE\",\"email\":\"f@b\",\"createdAt\":0,\"maxMachines\":3,\"machines\":[]}");
            try (TestServer impatient = impatient(SOON, PATIENT);
                    RawConnection connection = impatient
                            .connect()
                            .send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")) {
                assertRefused(connection.read(), 408, "Request body not received in time");
                connection.send("}" + post("/activate", "{\"key\":\"FREE\",\"machineId\":\"thief\"}"));

                assertThat(connection.isClosed()).isTrue();
            }
            assertStillAtWork();
            assertThat(licenses.updates()).isZero();
        }

        private TestServer impatient(Duration bodyPatience, Duration idleTimeout) {
            return TestServer.start(vertx, licenses, "*", bodyPatience, idleTimeout, () -> Readiness.READY);
        }
    }

    @Nested
    class LargeBody {
        private static final int LIMIT = 16 * 1024;

        @Test
        void is_answered_413_and_leaves_the_connection_to_further_calls() {
            try (RawConnection connection = server.connect()) {
                assertRefused(
                        connection
                                .send(post("/validate", " ".repeat(LIMIT + 1)))
                                .read(),
                        413,
                        "Request body too large");
                assertThat(connection.send(post("/validate", INPUT)).read().body())
                        .isEqualTo(VALID);
            }
        }

        @Test
        void is_answered_413_where_its_length_was_not_announced() {
            String chunk = "1000\r\n" + " ".repeat(0x1000) + "\r\n";
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk.repeat(5)
                            + "0\r\n\r\n")) {
                assertRefused(connection.read(), 413, "Request body too large");
            }
        }

        @Test
        void is_answered_413_instead_of_100_if_the_sender_asks_first() {
            assertRefusedAndClosed(
                    "POST /validate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + "Content-Length: " + (LIMIT + 1)
                            + "\r\n\r\n",
                    413,
                    "Request body too large");
        }

        /** The body's time is a minute here, so a read that waited for the body would fail. */
        @ParameterizedTest
        @ValueSource(longs = {LIMIT + 1, 1024 * 1024, 1024 * 1024 + 1, 4294967298L, Long.MAX_VALUE})
        void is_answered_413_before_it_comes(long length) {
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + "\r\n\r\n")) {
                assertRefused(connection.read(), 413, "Request body too large");
            }
        }

        @Test
        void may_come_after_its_answer_and_leaves_the_connection_to_further_calls() {
            try (RawConnection connection =
                    server.connect().send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n")) {
                Answer refusal = connection.read();
                assertRefused(refusal, 413, "Request body too large");
                assertThat(refusal.closes()).isFalse();

                connection.send(" ".repeat(19_999)).send(" " + post("/validate", INPUT));
                assertThat(connection.read().body()).isEqualTo(VALID);
            }
        }

        @Test
        void is_answered_413_where_it_never_ends_and_ends_the_connection() {
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n")
                    .send(" ".repeat(1100 * 1024))) {
                List<Answer> answers = connection.readAll();

                assertThat(answers).hasSize(1);
                assertRefused(answers.get(0), 413, "Request body too large");
            }
        }
    }

    @Nested
    class LongHeader {
        @Test
        void is_answered_414_in_the_request_line() {
            for (int length : new int[] {5000, 100_000}) {
                assertRefusedAndClosed(
                        "POST /" + "a".repeat(length) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "Bad request");
            }
        }

        @Test
        void is_answered_431_in_the_other_lines() {
            for (int length : new int[] {9000, 100_000}) {
                assertRefusedAndClosed(
                        "POST /validate HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(length) + "\r\n\r\n",
                        431,
                        "Bad request");
            }
        }

        @Test
        void is_answered_431_in_many_lines() {
            assertRefusedAndClosed(
                    "POST /validate HTTP/1.1\r\nHost: x\r\n" + "X: aaaaaaaaaaaaaaaa\r\n".repeat(1000) + "\r\n",
                    431,
                    "Bad request");
        }
    }

    @Nested
    class MalformedRequest {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "GARBAGE\r\n\r\n",
                    "GET /\r\n\r\n",
                    "POST /validate\r\nHost: x\r\n\r\n",
                    "POST  HTTP/1.1\r\nHost: x\r\n\r\n",
                    "POST /validate HTTP/1.1 x\r\nHost: x\r\n\r\n",
                    "POST /validate HTTP/x\r\nHost: x\r\n\r\n",
                    "P\u0000ST /validate HTTP/1.1\r\nHost: x\r\n\r\n",
                    "{\"key\":\"K\",\"machineId\":\"m\"}\r\n\r\n",
                    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003 a TLS greeting\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nX: a\u0000b\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nX\u0000: b\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n{}",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
                    "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n{}\r\n0\r\n\r\n"
                })
        void is_answered_400_and_ends_the_connection(String request) {
            assertRefusedAndClosed(request, 400, "Bad request");
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "Host: x y\r\n", "Host: x/y@z\r\n", "Host: x:port\r\n", ": x\r\n"})
        void is_one_without_a_host_or_with_a_malformed_one(String host) {
            assertRefusedAndClosed(
                    "POST /validate HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\n{}", 400, "Bad request");
        }

        @Test
        void is_one_without_a_path() {
            assertRefusedAndClosed("POST ?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400, "Bad request");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "POST /validate HTTP/2.0\r\nHost: x\r\n\r\n",
                    "POST /validate HTTP/9.9\r\nHost: x\r\n\r\n",
                    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                })
        void of_another_version_of_http_is_answered_505_and_ends_the_connection(String request) {
            assertRefusedAndClosed(request, 505, "Only HTTP/1.1 and HTTP/1.0 are supported");
        }
    }

    /** Requests that a proxy on the way could have understood otherwise; a second one hides in each. */
    @Nested
    class AmbiguousRequest {
        private static final String HIDDEN = "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "Transfer-Encoding: gzip",
                    "Transfer-Encoding: identity",
                    "Transfer-Encoding: xchunked",
                    "Transfer-Encoding: chunked, gzip",
                    "Transfer-Encoding: gzip, chunked",
                    "Transfer-Encoding: chunked, chunked",
                    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                    "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
                    "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
                    "Transfer-Encoding: \u000bchunked",
                    "Transfer-Encoding : chunked",
                    "Transfer-Encoding:",
                    "Transfer-Encoding: chunked\r\nContent-Length: 5",
                    "Content-Length: 5\r\nTransfer-Encoding: chunked",
                    "Content-Length: 0\r\nContent-Length: 57",
                    "Content-Length: 0, 57",
                    "Host: y",
                    "Host: x",
                    "host: y"
                })
        void is_answered_400_once_and_ends_the_connection(String header) {
            for (String method : List.of("POST", "GET", "PUT", "OPTIONS")) {
                assertRefusedAndClosed(
                        method + " /validate HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n0\r\n\r\n" + HIDDEN,
                        400,
                        "Bad request");
            }
        }

        @Test
        void is_chunked_in_http_1_0() {
            assertRefusedAndClosed(
                    "POST /validate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
                    400,
                    "Bad request");
        }
    }

    /** What follows a refusal that ends the connection is never carried out, whenever it comes. */
    @Nested
    class AfterARefusal {
        private static final String ACTIVATION = post("/activate", "{\"key\":\"FREE\",\"machineId\":\"thief\"}");

        @BeforeEach
        void sell() {
            licenses.put(
                    "license:FREE",
                    "{\"key\":\"FREE\",\"email\":\"f@b\",\"createdAt\":0,\"maxMachines\":3,\"machines\":[]}");
        }

        static Stream<Arguments> refused() {
            Stream<Arguments> heads = Stream.of(
                            "Host: x\r\nHost: y",
                            "Host: x\r\nHost: x",
                            "X: no host",
                            "Host: x y",
                            "Host: x\r\nTransfer-Encoding: gzip, chunked",
                            "Host: x\r\nTransfer-Encoding: identity, chunked",
                            "Host: x\r\nTransfer-Encoding: identity",
                            "Host: x\r\nTransfer-Encoding: chunked,",
                            "Host: x\r\nTransfer-Encoding:\r\n chunked",
                            "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                            "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
                            "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
                            "Host: x\r\nContent-Length: 5\r\nContent-Length: 6",
                            "Host: x\r\nContent-Length: 5\r\nX: a\r\n b",
                            "Host: x\r\nContent-Length: 5\r\nX: a\r\n\tb",
                            "Host: x\r\nContent-Length: 5\r\nX: a\r\n ",
                            "Host: x\r\nContent-Length:\r\n 5",
                            " Host: x",
                            "Host: x\r\n: a",
                            "Host: x\r\nX : a",
                            "Host: x\r\nX\t: a")
                    // With and without what ends a body in chunks: servers disagree on whether it belongs to the
                    // request.
                    .flatMap(head -> Stream.of("", "0\r\n\r\n")
                            .map(end -> arguments("POST /validate HTTP/1.1\r\n" + head + "\r\n\r\n" + end, 400)));
            Stream<Arguments> others = Stream.of(
                    arguments("GARBAGE\r\n\r\n", 400),
                    arguments("POST ?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400),
                    arguments(post("validate", "{}"), 404),
                    arguments("POST /validate HTTP/2.0\r\nHost: x\r\n\r\n", 505),
                    arguments(
                            "POST /validate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 17000\r\n\r\n",
                            413),
                    arguments("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 4294967298\r\n\r\n", 413),
                    arguments(
                            "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n110000\r\n"
                                    + " ".repeat(0x110000) + "\r\n0\r\n\r\n",
                            413),
                    arguments(
                            "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
                            400),
                    arguments("POST /" + "a".repeat(5000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
                    arguments("POST /validate HTTP/1.1\r\nHost: x\r\nX: " + "a".repeat(9000) + "\r\n\r\n", 431));
            return Stream.concat(heads, others);
        }

        @ParameterizedTest
        @MethodSource("refused")
        void nothing_in_the_same_packet_is_carried_out(String request, int status) {
            try (RawConnection connection = server.connect().send(request + ACTIVATION)) {
                assertOnlyAnswer(connection.readAll(), request, status);
            }
            assertNothingTaken();
        }

        @ParameterizedTest
        @MethodSource("refused")
        void nothing_in_a_later_packet_is_carried_out(String request, int status) {
            try (RawConnection connection = server.connect().send(request)) {
                Answer answer = connection.read();
                connection.send(ACTIVATION);

                assertOnlyAnswer(List.of(answer), request, status);
                assertThat(connection.isClosed()).isTrue();
            }
            assertNothingTaken();
        }

        @ParameterizedTest
        @ValueSource(strings = {"X: a\r\n b", "X: a\r\n\tb", "X: a\r\n ", "Transfer-Encoding:\r\n chunked", " X: a"})
        void a_folded_line_is_refused_also_if_it_comes_byte_by_byte(String lines) {
            try (RawConnection connection = server.connect()) {
                for (char each : ("POST /validate HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n\r\n").toCharArray()) {
                    connection.send(String.valueOf(each));
                }
                connection.send(ACTIVATION);

                assertOnlyAnswer(connection.readAll(), lines, 400);
            }
            assertNothingTaken();
        }

        @Test
        void nothing_behind_an_answer_of_a_stopping_server_is_carried_out() {
            try (TestServer stopping = stopping(licenses);
                    RawConnection connection = stopping.connect().send(post("/unknown", "{}") + ACTIVATION)) {
                assertOnlyAnswer(connection.readAll(), "/unknown", 404);
            }
            assertNothingTaken();
        }

        @Test
        void nothing_that_waits_for_an_answer_of_a_stopping_server_is_carried_out() {
            var asked = new CountDownLatch(1);
            Promise<Void> found = Promise.promise();
            LicenseStore slow = new DelegatingStore(licenses) {
                @Override
                public Future<Optional<License>> find(LicenseKey key) {
                    asked.countDown();
                    return found.future().compose(now -> super.find(key));
                }
            };
            try (TestServer stopping = stopping(slow);
                    RawConnection connection =
                            stopping.connect().send(post("/validate", INPUT) + ACTIVATION.repeat(2))) {
                Wait.until("the first call is under way", () -> asked.getCount() == 0);
                found.complete();

                List<Answer> answers = connection.readAll();
                assertThat(answers).hasSize(1);
                assertThat(answers.get(0).body()).isEqualTo(VALID);
                assertThat(answers.get(0).closes()).isTrue();
            }
            assertNothingTaken();
        }

        private TestServer stopping(LicenseStore store) {
            return TestServer.start(vertx, store, "*", PATIENT, PATIENT, () -> Readiness.STOPPING);
        }

        private void assertOnlyAnswer(List<Answer> answers, String request, int status) {
            assertThat(answers).as(request).hasSize(1);
            assertThat(answers.get(0).status()).as(request).isEqualTo(status);
            assertThat(answers.get(0).closes()).as(request).isTrue();
            assertThat(answers.get(0).body()).startsWith("{\"success\":false,\"message\":\"");
        }

        /** Another connection's call is answered after all that came before it was handled. */
        private void assertNothingTaken() {
            assertStillAtWork();
            assertThat(licenses.updates()).isZero();
        }
    }

    @Nested
    class UnusualRequest {
        @ParameterizedTest
        @ValueSource(strings = {"TRACE", "post", "Post", "GET", "PROPFIND", "A"})
        void by_another_method_is_answered_405(String method) {
            try (RawConnection connection =
                    server.connect().send(method + " /validate HTTP/1.1\r\nHost: x\r\nX: echo\r\n\r\n")) {
                assertRefused(connection.read(), 405, "Method not allowed");
            }
        }

        @Test
        void for_options_of_the_whole_server_is_answered_as_for_any_path() {
            try (RawConnection connection = server.connect().send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")) {
                Answer answer = connection.read();

                assertThat(answer.status()).isEqualTo(204);
                assertThat(answer.headers())
                        .contains(
                                Map.entry("access-control-allow-origin", "*"),
                                Map.entry("access-control-allow-methods", "POST, OPTIONS"));
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"*", "validate", "x:80", "http:/validate"})
        void for_what_is_no_path_is_answered_as_for_any_unknown_one(String target) {
            assertRefusedAndClosed(post(target, "{}"), 404, "Not found");
            try (RawConnection connection = server.connect().send(get(target))) {
                assertRefused(connection.read(), 405, "Method not allowed");
            }
        }

        @Test
        void for_what_is_no_path_is_refused_where_it_is_ambiguous() {
            assertRefusedAndClosed("OPTIONS * HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "Bad request");
        }

        @Test
        void to_connect_elsewhere_is_answered_405() {
            try (RawConnection connection =
                    server.connect().send("CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n")) {
                assertRefused(connection.read(), 405, "Method not allowed");
            }
        }

        @Test
        void with_a_whole_url_is_answered_as_with_its_path() {
            try (RawConnection connection = server.connect()) {
                assertThat(connection
                                .send(post("http://localhost/validate?x", INPUT))
                                .read()
                                .body())
                        .isEqualTo(VALID);
            }
        }

        @Test
        void in_http_1_0_needs_no_host_and_ends_the_connection() {
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.0\r\nContent-Length: " + INPUT.length() + "\r\n\r\n" + INPUT)) {
                List<Answer> answers = connection.readAll();

                assertThat(answers).hasSize(1);
                assertThat(answers.get(0).body()).isEqualTo(VALID);
            }
        }

        @Test
        void without_a_body_is_answered_as_one_with_an_empty_body() {
            try (RawConnection connection = server.connect().send("POST /validate HTTP/1.1\r\nHost: x\r\n\r\n")) {
                assertRefused(connection.read(), 400, "Invalid JSON");
            }
        }

        @Test
        void to_upgrade_is_answered_as_if_it_did_not_ask() {
            try (RawConnection connection = server.connect()) {
                assertThat(connection
                                .send(post(
                                        "/validate",
                                        INPUT,
                                        "Connection: Upgrade, HTTP2-Settings",
                                        "Upgrade: h2c",
                                        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
                                .read()
                                .body())
                        .isEqualTo(VALID);
                assertThat(connection
                                .send(get(
                                        "/livez",
                                        "Connection: Upgrade",
                                        "Upgrade: websocket",
                                        "Sec-WebSocket-Version: 13",
                                        "Sec-WebSocket-Key: dGVzdA=="))
                                .read()
                                .status())
                        .isEqualTo(200);
            }
        }

        @Test
        void that_asks_to_close_is_answered_and_ends_the_connection() {
            try (RawConnection connection = server.connect().send(post("/validate", INPUT, "Connection: close"))) {
                List<Answer> answers = connection.readAll();

                assertThat(answers).hasSize(1);
                assertThat(answers.get(0).closes()).isTrue();
                assertThat(answers.get(0).body()).isEqualTo(VALID);
            }
        }
    }

    @Nested
    class Connection {
        @Test
        void takes_calls_and_pages_one_after_the_other() {
            try (RawConnection connection = server.connect()) {
                for (int i = 0; i < 3; i++) {
                    Answer page = connection.send(get("/livez")).read();
                    assertThat(page.status()).isEqualTo(200);
                    assertThat(page.closes()).isFalse();
                    assertThat(connection.send(post("/validate", INPUT)).read().body())
                            .isEqualTo(VALID);
                    assertThat(connection.send(post("/validate", "{")).read().status())
                            .isEqualTo(400);
                }
            }
        }

        @Test
        void takes_calls_that_do_not_wait_for_answers_and_answers_in_their_order() {
            String calls = IntStream.range(0, 100)
                    .mapToObj(number -> number % 3 == 0
                            ? post("/validate", INPUT)
                            : number % 3 == 1 ? post("/unknown", "{}") : get("/livez"))
                    .collect(Collectors.joining());
            try (RawConnection connection = server.connect().send(calls)) {
                for (int number = 0; number < 100; number++) {
                    Answer answer = connection.read();
                    assertThat(answer.body())
                            .isEqualTo(
                                    number % 3 == 0
                                            ? VALID
                                            : number % 3 == 1
                                                    ? "{\"success\":false,\"message\":\"Not found\"}"
                                                    : "{\"success\":true,\"status\":\"alive\",\"version\":\"1.2.3\"}");
                }
            }
        }

        @Test
        void takes_a_body_in_chunks() {
            try (RawConnection connection = server.connect()) {
                for (int size : new int[] {1, 2, 7, INPUT.length()}) {
                    assertThat(connection.send(chunked(size)).read().body()).isEqualTo(VALID);
                }
            }
        }

        @Test
        void takes_a_call_byte_by_byte() {
            try (RawConnection connection = server.connect()) {
                for (String request : List.of(chunked(1), post("/validate", INPUT))) {
                    for (byte single : request.getBytes(StandardCharsets.ISO_8859_1)) {
                        connection.send(new byte[] {single});
                    }
                    assertThat(connection.read().body()).isEqualTo(VALID);
                }
            }
        }

        @Test
        void takes_chunk_extensions_and_trailers() {
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n")
                    .send("2;a=b\r\n{}\r\n000;x\r\nX-Trailer: Host\r\n\r\n")
                    .send(post("/validate", INPUT))) {
                assertThat(connection.read().body()).isEqualTo("{\"success\":false,\"premium\":false}");
                assertThat(connection.read().body()).isEqualTo(VALID);
            }
        }

        @Test
        void tells_a_sender_who_asks_first_to_go_on() {
            try (RawConnection connection = server.connect()
                    .send("POST /validate HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
                            + INPUT.length() + "\r\n\r\n")) {
                assertThat(connection.read().status()).isEqualTo(100);
                assertThat(connection.send(INPUT).read().body()).isEqualTo(VALID);
            }
        }

        @Test
        void does_not_need_the_answer_to_that_question() {
            try (RawConnection connection = server.connect().send(post("/validate", INPUT, "Expect: 100-continue"))) {
                assertThat(connection.read().status()).isEqualTo(100);
                assertThat(connection.read().body()).isEqualTo(VALID);
            }
        }

        @Test
        void that_breaks_within_a_body_leaves_the_server_at_work() {
            try (RawConnection connection =
                    server.connect().send("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{")) {
                assertThat(connection.endSending().isClosed()).isTrue();
            }
            assertStillAtWork();
        }

        private static String chunked(int size) {
            var request = new StringBuilder("POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (int start = 0; start < INPUT.length(); start += size) {
                String chunk = INPUT.substring(start, Math.min(INPUT.length(), start + size));
                request.append(Integer.toHexString(chunk.length()))
                        .append("\r\n")
                        .append(chunk)
                        .append("\r\n");
            }
            return request.append("0\r\n\r\n").toString();
        }
    }

    /** Some hundred requests that were good before a few random changes, and some that never were. */
    @Nested
    class AnyBytes {
        private static final List<String> GOOD = List.of(
                post("/validate", INPUT),
                post("/activate", "{\"key\":\"K\",\"machineId\":\"m\\u0041\ud83d\"}"),
                post("/deactivate?x=1", INPUT, "Content-Type: application/json", "Accept: */*"),
                post("/register-license", "{\"email\":\"a@b\"}", "Authorization: Bearer " + ADMIN_SECRET),
                post("/license-info", "{\"email\":\"a@b\",\"a\":[1e5,null]}", "Authorization: Bearer " + ADMIN_SECRET),
                "POST /validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
                "OPTIONS /validate HTTP/1.1\r\nHost: localhost:80\r\nOrigin: https://shop.example\r\n\r\n",
                "GET /readyz HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\n\r\n",
                post("/validate", INPUT, "Expect: 100-continue") + post("/unknown", "[]"));

        private static final List<String> PIECES = List.of(
                "\r\n",
                "\n",
                "\r",
                "\u0000",
                " ",
                "\t",
                ":",
                "/",
                "%",
                "?",
                "#",
                "{",
                "}",
                "\"",
                "\\",
                "\u00ff",
                "\u0080",
                "..",
                "*",
                "0",
                "-1",
                "999999999999",
                "Host: y\r\n",
                "Transfer-Encoding: chunked\r\n",
                "Content-Length: 5\r\n",
                "Connection: close\r\n",
                "Expect: 100-continue\r\n",
                "Upgrade: websocket\r\nConnection: Upgrade\r\n",
                "X-Forwarded-For: \"\r\n",
                "Cookie: ;=;\r\n",
                "Content-Type: multipart/form-data\r\n",
                "HTTP/1.0",
                "PUT ",
                "a".repeat(5000));

        @Test
        void are_answered_with_json_or_not_at_all_and_never_with_a_failure() {
            var random = new Random(5);
            var statuses = new TreeSet<Integer>();
            for (int i = 0; i < 800; i++) {
                String request = i % 10 == 0 ? noise(random) : changed(GOOD.get(i % GOOD.size()), random);
                try (RawConnection connection = server.connect()) {
                    connection.send(request).endSending();
                    for (Answer answer : connection.readAll()) {
                        assertThat(answer).as(request).satisfies(AnyBytes::isProper);
                        statuses.add(answer.status());
                    }
                }
            }
            // They were not all refused alike.
            assertThat(statuses).contains(200, 204, 400, 401, 404, 405, 414);
            assertStillAtWork();
        }

        private static void isProper(Answer answer) {
            if (answer.body().isEmpty()) {
                assertThat(answer.status()).isIn(100, 204);
                return;
            }
            assertThat(answer.status()).matches(status -> (status >= 200 && status <= 499) || status == 505);
            assertThat(answer.headers())
                    .contains(
                            Map.entry("content-type", "application/json"),
                            Map.entry("access-control-allow-origin", "*"));
            assertThat(new JsonObject(answer.body()).getBoolean("success"))
                    .isEqualTo(answer.status() == 200 && answer.body().startsWith("{\"success\":true"));
            assertThat(answer.body()).doesNotContain("Exception", "\tat ", "<html", "<h1");
        }

        private static String changed(String request, Random random) {
            var bytes = new StringBuilder(request);
            for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                int start = random.nextInt(bytes.length() + 1);
                int end = Math.min(bytes.length(), start + random.nextInt(6));
                switch (random.nextInt(5)) {
                    case 0 -> bytes.delete(start, end);
                    case 1 -> bytes.insert(start, bytes.substring(start, end));
                    case 2 -> bytes.insert(start, PIECES.get(random.nextInt(PIECES.size())));
                    case 3 -> bytes.replace(start, end, String.valueOf((char) random.nextInt(256)));
                    default -> bytes.setLength(random.nextInt(8) == 0 ? start : bytes.length());
                }
            }
            return bytes.toString();
        }

        private static String noise(Random random) {
            byte[] bytes = new byte[random.nextInt(2000)];
            random.nextBytes(bytes);
            return new String(bytes, StandardCharsets.ISO_8859_1) + "\r\n\r\n";
        }
    }

    private void assertStillAtWork() {
        try (RawConnection connection = server.connect()) {
            assertThat(connection.send(post("/livez", "{}")).read().status()).isEqualTo(404);
            assertThat(connection.send(post("/validate", INPUT)).read().status())
                    .isEqualTo(200);
        }
    }

    /** This is all that the server says to the request, although more of it may come. */
    private void assertRefusedAndClosed(String request, int status, String message) {
        try (RawConnection connection = server.connect().send(request)) {
            List<Answer> answers = connection.readAll();

            assertThat(answers).as(request).hasSize(1);
            assertRefused(answers.get(0), status, message);
            assertThat(answers.get(0).closes()).isTrue();
        }
    }

    private static void assertRefused(Answer answer, int status, String message) {
        assertThat(answer.body()).isEqualTo("{\"success\":false,\"message\":\"" + message + "\"}");
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.headers())
                .contains(Map.entry("content-type", "application/json"), Map.entry("access-control-allow-origin", "*"));
    }
}
