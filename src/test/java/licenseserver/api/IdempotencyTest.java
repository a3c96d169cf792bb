package licenseserver.api;

import static licenseserver.Await.await;
import static licenseserver.api.TestServer.ADMIN_SECRET;
import static licenseserver.api.TestServer.NOW_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.EventLoops;
import licenseserver.Wait;
import licenseserver.idempotency.IdempotencyStore;
import licenseserver.idempotency.IdempotentRequest;
import licenseserver.idempotency.InMemoryIdempotencyStore;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Policy;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.InMemoryLicenseStore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the header {@code Idempotency-Key} does to register, update and rotate. */
@SuppressWarnings("NullAway.Init")
class IdempotencyTest {
    private static final String EMAIL = "{\"email\":\"customer@example.com\"}";

    private static Vertx vertx;

    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private final AtomicInteger updates = new AtomicInteger();
    private Supplier<Future<?>> beforeUpdate = Future::succeededFuture;
    private final AtomicLong millis = new AtomicLong(NOW_MILLIS);
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
        server = start(new InMemoryIdempotencyStore());
    }

    private TestServer start(IdempotencyStore requests) {
        return TestServer.start(vertx, new Watched(), requests, Policy.NONE, () -> Instant.ofEpochMilli(millis.get()));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Nested
    class TheSameAgain {
        @Test
        void registers_once_and_answers_the_same() {
            HttpResponse<String> first = post("/register-license", EMAIL, "one");
            HttpResponse<String> again = post("/register-license", EMAIL, "one");

            assertThat(first.body()).contains("\"success\":true");
            assertSame(again, first);
            assertThat(post("/register-license", EMAIL, "two").body()).contains("\"success\":false");
        }

        @Test
        void rotates_once_and_answers_the_same() {
            String body = "{\"key\":\"" + registered() + "\"}";

            HttpResponse<String> first = post("/rotate-key", body, "one");
            HttpResponse<String> again = post("/rotate-key", body, "one");

            assertThat(first.body()).contains("\"success\":true");
            assertSame(again, first);
            assertThat(post("/rotate-key", body, "two").statusCode()).isEqualTo(404);
        }

        @Test
        void updates_once_and_answers_the_same_whatever_came_since() {
            String key = registered();
            String body = "{\"key\":\"" + key + "\",\"notes\":\"first\"}";
            HttpResponse<String> first = post("/update-license", body, "one");
            post("/update-license", "{\"key\":\"" + key + "\",\"notes\":\"second\"}", "two");

            assertSame(post("/update-license", body, "one"), first);
            assertThat(server.postAsAdmin("/license-info", EMAIL).body()).contains("second");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "/update-license {\"key\":\"UNKNOWN\"}",
                    "/update-license {\"key\":\"K\",\"maxMachines\":0}",
                    "/update-license {\"key\":\"K\",\"x\":0}",
                    "/register-license {}",
                    "/rotate-key {}"
                })
        void answers_a_refusal_again(String call) {
            int space = call.indexOf(' ');
            String path = call.substring(0, space);
            String body = call.substring(space + 1);

            HttpResponse<String> first = post(path, body, "one");

            assertThat(first.statusCode()).isBetween(400, 404);
            assertSame(post(path, body, "one"), first);
        }

        @Test
        void answers_that_an_email_is_taken_again() {
            String body = "{\"key\":\"" + registered() + "\",\"newEmail\":\"other@example.com\"}";
            server.postAsAdmin("/register-license", "{\"email\":\"other@example.com\"}");
            HttpResponse<String> first = post("/update-license", body, "one");
            assertRefused(first, 409, "Email already registered");
            server.postAsAdmin("/delete-license", "{\"email\":\"other@example.com\"}");

            assertSame(post("/update-license", body, "one"), first);
            assertThat(post("/update-license", body, "two").statusCode()).isEqualTo(200);
        }

        @Test
        void is_another_request_on_another_path() {
            String body = "{\"key\":\"" + registered() + "\"}";

            post("/update-license", body, "one");

            assertThat(post("/rotate-key", body, "one").body()).contains("\"success\":true,\"key\"");
        }

        @Test
        void is_done_again_without_the_header() {
            String key = new JsonObject(server.postAsAdmin("/rotate-key", "{\"key\":\"" + registered() + "\"}")
                            .body())
                    .getString("key");

            assertThat(server.postAsAdmin("/rotate-key", "{\"key\":\"" + key + "\"}")
                            .body())
                    .contains("\"success\":true")
                    .doesNotContain(key);
        }
    }

    /** The answer names a license, and what became of that is looked at. */
    @Nested
    class AfterTheLicenseHasChanged {
        private static final String DELETED = "This license was deleted";

        @Test
        void a_deleted_one_is_not_registered_with_its_key_again() {
            assertThat(post("/register-license", EMAIL, "one").statusCode()).isEqualTo(200);
            server.postAsAdmin("/delete-license", EMAIL);

            assertRefused(post("/register-license", EMAIL, "one"), 409, DELETED);
            assertThat(await(licenses.findByEmail(new Email("customer@example.com"))))
                    .isEmpty();
            assertThat(post("/register-license", EMAIL, "two").body()).contains("\"success\":true");
        }

        @Test
        void a_deleted_one_is_not_told_as_registered_before() {
            registered();
            assertThat(post("/register-license", EMAIL, "one").body()).contains("Email already registered");
            server.postAsAdmin("/delete-license", EMAIL);

            assertRefused(post("/register-license", EMAIL, "one"), 409, DELETED);
        }

        @Test
        void a_deleted_one_is_not_that_which_the_address_got_later() {
            post("/register-license", EMAIL, "one");
            server.postAsAdmin("/delete-license", EMAIL);
            millis.incrementAndGet();
            registered();

            assertRefused(post("/register-license", EMAIL, "one"), 409, DELETED);
        }

        @Test
        void a_deleted_one_is_neither_updated_nor_rotated_again() {
            String byEmail = "{\"email\":\"customer@example.com\"}";
            registered();
            assertThat(post("/update-license", byEmail, "one").statusCode()).isEqualTo(200);
            assertThat(post("/rotate-key", byEmail, "one").statusCode()).isEqualTo(200);
            server.postAsAdmin("/delete-license", EMAIL);

            assertRefused(post("/update-license", byEmail, "one"), 409, DELETED);
            assertRefused(post("/rotate-key", byEmail, "one"), 409, DELETED);
        }

        @Test
        void one_with_a_new_key_gives_the_same_answer() {
            HttpResponse<String> first = post("/register-license", EMAIL, "one");
            server.postAsAdmin("/rotate-key", EMAIL);

            assertSame(post("/register-license", EMAIL, "one"), first);
        }

        @Test
        void one_with_another_address_gives_the_same_answer() {
            HttpResponse<String> first = post("/register-license", EMAIL, "one");
            server.postAsAdmin(
                    "/update-license", "{\"email\":\"customer@example.com\",\"newEmail\":\"new@example.com\"}");

            assertSame(post("/register-license", EMAIL, "one"), first);
        }

        @Test
        void one_that_was_deleted_under_a_new_key_and_another_address_is_deleted() {
            post("/register-license", EMAIL, "one");
            server.postAsAdmin("/rotate-key", EMAIL);
            server.postAsAdmin(
                    "/update-license", "{\"email\":\"customer@example.com\",\"newEmail\":\"new@example.com\"}");
            server.postAsAdmin("/delete-license", "{\"email\":\"new@example.com\"}");

            assertRefused(post("/register-license", EMAIL, "one"), 409, DELETED);
        }
    }

    @Nested
    class AnotherPayload {
        @Test
        void is_refused_and_does_nothing() {
            post("/register-license", EMAIL, "one");

            HttpResponse<String> other = post("/register-license", "{\"email\":\"other@example.com\"}", "one");

            assertRefused(other, 422, "Idempotency-Key was used for another request before");
            assertThat(await(licenses.findByEmail(new Email("other@example.com"))))
                    .isEmpty();
        }

        @Test
        void is_refused_also_while_the_first_is_under_way() {
            Promise<Void> gate = Promise.promise();
            String key = registered();
            beforeUpdate = gate::future;
            CompletableFuture<HttpResponse<String>> first =
                    postLater("/rotate-key", "{\"key\":\"" + key + "\"}", "one");
            Wait.until("the first is under way", () -> updates.get() == 1);

            assertThat(post("/rotate-key", "{\"key\":\"" + key + "\",\"keepMachines\":false}", "one")
                            .statusCode())
                    .isEqualTo(422);

            gate.complete();
            assertThat(first.join().statusCode()).isEqualTo(200);
        }
    }

    @Nested
    class Twins {
        @Test
        void at_once_have_one_effect_and_one_answer() {
            Promise<Void> gate = Promise.promise();
            String body = "{\"key\":\"" + registered() + "\"}";
            beforeUpdate = gate::future;
            var twins = new ArrayList<CompletableFuture<HttpResponse<String>>>();
            for (int i = 0; i < 10; i++) {
                twins.add(postLater("/rotate-key", body, "one"));
            }
            Wait.until("one is under way", () -> updates.get() == 1);
            gate.complete();

            HttpResponse<String> first = twins.get(0).join();
            assertThat(first.statusCode()).isEqualTo(200);
            twins.forEach(twin -> assertSame(twin.join(), first));
            assertThat(updates).hasValue(1);
        }

        @Test
        void of_one_that_does_not_end_are_told_so() {
            Promise<Void> gate = Promise.promise();
            String body = "{\"key\":\"" + registered() + "\"}";
            beforeUpdate = gate::future;
            CompletableFuture<HttpResponse<String>> first = postLater("/rotate-key", body, "one");
            Wait.until("one is under way", () -> updates.get() == 1);

            assertRefused(
                    post("/rotate-key", body, "one"),
                    409,
                    "The first request with this Idempotency-Key is still under way");

            gate.complete();
            assertThat(first.join().statusCode()).isEqualTo(200);
            assertThat(updates).hasValue(1);
        }
    }

    @Nested
    class Header {
        @ParameterizedTest
        @ValueSource(strings = {"", " ", "a b", "LONG"})
        void is_1_to_255_visible_characters(String key) {
            HttpResponse<String> answer = post("/register-license", EMAIL, key.equals("LONG") ? "x".repeat(256) : key);

            assertRefused(answer, 400, "Idempotency-Key must be 1 to 255 visible ASCII characters");
            assertThat(await(licenses.findByEmail(new Email("customer@example.com"))))
                    .isEmpty();
        }

        @Test
        void may_have_255_characters() {
            assertThat(post("/register-license", EMAIL, "~".repeat(255)).statusCode())
                    .isEqualTo(200);
        }

        @Test
        void is_not_looked_at_before_the_secret_is() {
            HttpResponse<String> answer = server.post("/register-license", EMAIL, "Idempotency-Key", "");

            assertThat(answer.statusCode()).isEqualTo(401);
        }

        @Test
        void is_ignored_by_other_calls() {
            String key = registered();

            post("/disable-license", "{\"key\":\"" + key + "\"}", "one");
            post("/enable-license", "{\"key\":\"" + key + "\"}", "one");

            assertThat(post("/disable-license", "{\"key\":\"" + key + "\"}", "").statusCode())
                    .isEqualTo(200);
        }
    }

    @Nested
    class Failure {
        @Test
        void is_not_remembered() {
            String body = "{\"key\":\"" + registered() + "\"}";
            beforeUpdate = () -> Future.failedFuture(new StoreUnavailableException("planted"));
            assertThat(post("/rotate-key", body, "one").statusCode()).isEqualTo(503);
            beforeUpdate = Future::succeededFuture;

            assertThat(post("/rotate-key", body, "one").statusCode()).isEqualTo(200);
        }

        @Test
        void to_remember_does_not_change_the_answer() {
            server.close();
            server = start(new InMemoryIdempotencyStore() {
                @Override
                public synchronized Future<Void> keep(IdempotentRequest request, KeptAnswer answer) {
                    return Future.failedFuture(new StoreUnavailableException("planted"));
                }
            });

            assertThat(post("/register-license", EMAIL, "one").body()).contains("\"success\":true");
        }

        @Test
        void to_ask_does_nothing() {
            server.close();
            server = start(new InMemoryIdempotencyStore() {
                @Override
                public synchronized Future<Claim> claim(IdempotentRequest request) {
                    return Future.failedFuture(new StoreUnavailableException("planted"));
                }
            });

            assertThat(post("/register-license", EMAIL, "one").statusCode()).isEqualTo(503);
            assertThat(await(licenses.findByEmail(new Email("customer@example.com"))))
                    .isEmpty();
        }
    }

    private String registered() {
        return new JsonObject(server.postAsAdmin("/register-license", EMAIL).body()).getString("key");
    }

    private HttpResponse<String> post(String path, String body, String idempotencyKey) {
        return postLater(path, body, idempotencyKey).join();
    }

    private CompletableFuture<HttpResponse<String>> postLater(String path, String body, String idempotencyKey) {
        return server.postLater(
                path, body, "Authorization", "Bearer " + ADMIN_SECRET, "Idempotency-Key", idempotencyKey);
    }

    private static void assertSame(HttpResponse<String> answer, HttpResponse<String> first) {
        assertThat(answer.body()).isEqualTo(first.body());
        assertThat(answer.statusCode()).isEqualTo(first.statusCode());
    }

    private static void assertRefused(HttpResponse<String> answer, int status, String message) {
        assertThat(answer.body()).isEqualTo("{\"success\":false,\"message\":\"" + message + "\"}");
        assertThat(answer.statusCode()).isEqualTo(status);
    }

    /** Counts updates, and does something before each. */
    private final class Watched extends DelegatingStore {
        Watched() {
            super(licenses);
        }

        @Override
        public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
            updates.incrementAndGet();
            return beforeUpdate.get().compose(done -> super.update(key, rule));
        }
    }
}
