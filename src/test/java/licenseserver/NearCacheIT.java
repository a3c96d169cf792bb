package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Servers with the near cache on one Redis: what one changes, the others see. */
class NearCacheIT {
    private static String email() {
        return UUID.randomUUID() + "@example.com";
    }

    /** Validates until the answer comes from memory: Redis is asked no more. */
    static void remember(HttpCalls server, RedisProcess redis, String key, String machineId) {
        Wait.until("the answer comes from memory", () -> {
            long before = redis.calls("get");
            assertThat(server.validate(key, machineId).succeeded()).isTrue();
            return redis.calls("get") == before;
        });
    }

    @Nested
    @TestInstance(Lifecycle.PER_CLASS)
    class Two_servers {
        private final RedisProcess redis = RedisProcess.start();
        private final List<TestServer> running = new ArrayList<>();
        private HttpCalls here;
        private HttpCalls there;
        private String email;
        private String key;

        @BeforeAll
        void start() {
            for (int i = 0; i < 2; i++) {
                running.add(TestServer.startReady(redis.url(), "NEAR_CACHE", "true"));
            }
            here = running.get(0).calls();
            there = running.get(1).calls();
        }

        @AfterAll
        void stop() {
            running.forEach(TestServer::close);
            redis.close();
        }

        @BeforeEach
        void activate() {
            email = email();
            key = here.register(email);
            assertThat(here.activate(key, "laptop").succeeded()).isTrue();
            remember(there, redis, key, "laptop");
        }

        private void assertThatTheOtherSoonSaysNo() {
            Wait.until(
                    "the other server says no",
                    () -> !there.validate(key, "laptop").succeeded());
            assertThat(there.validate(key, "laptop").succeeded()).isFalse();
        }

        /** From the answer to the change on one server to the first "no" of the other; printed, as docs/measured.md tells it. */
        @Test
        void see_changes_within_the_promised_time() {
            var delays = new ArrayList<Duration>();
            for (int i = 0; i < 100; i++) {
                here.activate(key, "laptop");
                remember(there, redis, key, "laptop");
                here.deactivate(key, "laptop");
                long changed = System.nanoTime();
                assertThatTheOtherSoonSaysNo();
                delays.add(Duration.ofNanos(System.nanoTime() - changed));
            }
            delays.sort(null);
            System.out.printf(
                    "A change on one server is seen on another after %.1f ms (median), %.1f ms (longest of 100)%n",
                    delays.get(50).toNanos() / 1e6, delays.get(99).toNanos() / 1e6);
            assertThat(delays.get(99)).isLessThan(Duration.ofSeconds(1));
        }

        @Test
        void see_that_a_license_was_disabled() {
            here.post("/disable-license", new JsonObject().put("key", key));
            assertThatTheOtherSoonSaysNo();
        }

        @Test
        void see_that_a_machine_was_deactivated() {
            here.deactivate(key, "laptop");
            assertThatTheOtherSoonSaysNo();
        }

        @Test
        void see_that_a_key_was_rotated_and_a_license_deleted() {
            String rotated = here.post("/rotate-key", new JsonObject().put("key", key))
                    .json()
                    .getString("key");
            assertThatTheOtherSoonSaysNo();

            remember(there, redis, rotated, "laptop");
            here.post("/delete-license", new JsonObject().put("key", rotated));
            key = rotated;
            assertThatTheOtherSoonSaysNo();
        }

        @Test
        void see_that_a_license_has_expired() {
            here.post(
                    "/update-license",
                    new JsonObject().put("key", key).put("expiresAt", System.currentTimeMillis() + 700));
            assertThatTheOtherSoonSaysNo();
        }

        @Test
        void see_that_redis_was_flushed() {
            // All but the identity of the store: without it this would be a Redis that lost its data.
            redis.tell(
                    "EVAL",
                    "local identity = redis.call('get', KEYS[1]) redis.call('flushall') redis.call('set', KEYS[1], identity)",
                    "1",
                    "store-identity");
            assertThatTheOtherSoonSaysNo();
        }

        @Test
        void never_say_no_to_a_machine_that_another_one_has_activated() {
            for (int i = 0; i < 50; i++) {
                String machineId = "machine-" + i;
                here.deactivate(key, "machine-" + (i - 1));
                assertThat(there.validate(key, machineId).succeeded()).isFalse();
                assertThat(here.activate(key, machineId).succeeded()).isTrue();
                assertThat(there.validate(key, machineId).succeeded()).isTrue();
            }
        }

        @Test
        void see_at_once_what_they_changed_themselves() {
            for (int i = 0; i < 50; i++) {
                assertThat(here.activate(key, "here").succeeded()).isTrue();
                assertThat(here.validate(key, "here").succeeded()).isTrue();
                assertThat(here.deactivate(key, "here").succeeded()).isTrue();
                assertThat(here.validate(key, "here").succeeded()).isFalse();
            }
        }

        /** Strictly, but for a "yes", which may be as late as news can be. */
        @Test
        void answer_as_one_license_would_but_for_a_yes_that_is_late() throws Exception {
            for (int seed = 0; seed < 40; seed++) {
                assertThat(Concurrency.randomHistory(List.of(here, there), seed, Duration.ofMillis(500)))
                        .isEmpty();
            }
        }

        @Test
        void ask_redis_again_when_they_lose_what_tells_them_of_changes() {
            redis.ask("CLIENT KILL TYPE normal");
            here.post("/disable-license", new JsonObject().put("key", key));
            assertThatTheOtherSoonSaysNo();
        }
    }

    @Nested
    class While_redis_is_away {
        @Test
        void a_known_yes_is_still_given_and_everything_else_refused() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(
                            redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")) {
                HttpCalls calls = server.calls();
                String key = calls.register(email());
                String unknown = calls.register(email());
                calls.activate(key, "laptop");
                calls.activate(unknown, "laptop");
                remember(calls, redis, key, "laptop");

                redis.kill();

                for (int i = 0; i < 5; i++) {
                    assertThat(calls.validate(key, "laptop"))
                            .isEqualTo(new Answer(200, "{\"success\":true,\"premium\":true}"));
                    assertThat(calls.validate(key, "desktop").status()).isEqualTo(503);
                    assertThat(calls.validate(unknown, "laptop").status()).isEqualTo(503);
                }
                redis.startAgain();
                Wait.until(
                        "Redis is asked again",
                        () -> calls.validate(unknown, "laptop").status() == 200);
            }
        }

        @Test
        void a_known_yes_is_refused_where_staleness_is_not_allowed() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(redis.url(), "NEAR_CACHE", "true")) {
                HttpCalls calls = server.calls();
                String key = calls.register(email());
                calls.activate(key, "laptop");
                remember(calls, redis, key, "laptop");

                redis.kill();

                Wait.until("it is refused", () -> calls.validate(key, "laptop").status() == 503);
            }
        }

        private static boolean isDegraded(HttpCalls calls) {
            return calls.get("/readyz").equals(new Answer(200, "{\"success\":true,\"status\":\"degraded\"}"));
        }

        @Test
        void a_server_stays_ready_as_long_as_it_may_answer_from_memory_and_one_that_remembers_nothing_does_not() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server =
                            TestServer.startReady(redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "4");
                    TestServer cold = TestServer.startReady(
                            redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")) {
                HttpCalls calls = server.calls();
                String key = calls.register(email());
                calls.activate(key, "laptop");
                remember(calls, redis, key, "laptop");
                long killed = System.nanoTime();
                redis.kill();

                Wait.until("the cold one is not ready", () -> {
                    assertThat(isDegraded(cold.calls())).isFalse();
                    return cold.calls().get("/readyz").status() == 503;
                });
                Wait.until("it is degraded", () -> {
                    assertThat(calls.get("/readyz").status()).isEqualTo(200);
                    return isDegraded(calls);
                });
                Wait.until("it is not ready", () -> !isDegraded(calls));
                assertThat(calls.get("/readyz").status()).isEqualTo(503);
                // The 4 seconds begin with the last look at Redis, some time before it was killed.
                assertThat(Duration.ofNanos(System.nanoTime() - killed)).isGreaterThan(Duration.ofSeconds(2));

                redis.startAgain();
                Wait.until(
                        "it is ready",
                        () -> calls.get("/readyz").equals(new Answer(200, "{\"success\":true,\"status\":\"ready\"}")));
            }
        }

        @Test
        void a_known_yes_comes_at_once_while_redis_is_frozen() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(
                            redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")) {
                HttpCalls calls = server.calls();
                String key = calls.register(email());
                calls.activate(key, "laptop");
                remember(calls, redis, key, "laptop");
                redis.freeze();
                Wait.until("it is degraded", () -> isDegraded(calls));

                // A tenth of what they would take if each waited for Redis.
                long begin = System.nanoTime();
                for (int i = 0; i < 20; i++) {
                    assertThat(calls.validate(key, "laptop").succeeded()).isTrue();
                }
                assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(3));

                redis.thaw();
                Wait.until("it is ready", () -> !isDegraded(calls));
                assertThat(calls.validate(key, "laptop").succeeded()).isTrue();
            }
        }
    }
}
