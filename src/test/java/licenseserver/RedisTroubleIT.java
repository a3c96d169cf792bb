package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every call is answered in time, whatever Redis does, and all is well again when Redis is. */
class RedisTroubleIT {
    private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(2);
    private static final Duration WELL_WITHIN = Duration.ofSeconds(1);

    private RedisProcess redis;
    private TestServer server;
    private HttpCalls calls;
    private String key;

    @BeforeEach
    void start() {
        redis = RedisProcess.start();
        server = TestServer.startReady(redis.url());
        calls = server.calls();
        key = calls.register(Concurrency.randomEmail());
        assertThat(calls.activate(key, "known").status()).isEqualTo(200);
    }

    @AfterEach
    void stop() {
        server.close();
        redis.close();
    }

    @Test
    void refuses_while_redis_is_away_and_answers_when_it_is_back() {
        redis.kill();

        assertThatEveryCallIsRefusedInTime();

        redis.startAgain();
        assertThatAllIsWellInTime();
    }

    @Test
    void refuses_while_redis_is_frozen_and_answers_when_it_thaws() {
        redis.freeze();

        assertThatEveryCallIsRefusedInTime();
        // Once more, now that the connections of the first calls are given up.
        assertThatEveryCallIsRefusedInTime();

        redis.thaw();
        assertThatAllIsWellInTime();
    }

    @Test
    void refuses_what_exceeds_its_queues_while_redis_is_frozen() {
        redis.freeze();

        long begin = System.nanoTime();
        var answers = new ArrayList<CompletableFuture<Answer>>();
        for (int i = 0; i < 3000; i++) {
            answers.add(calls.postLater("/validate", HttpCalls.machine(key, "known")));
        }
        answers.forEach(answer -> assertRefused(answer.join()));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));

        redis.thaw();
        assertThatAllIsWellInTime();
    }

    @Test
    void does_not_hand_on_connections_that_a_time_out_left_in_the_middle_of_something() {
        for (int round = 0; round < 3; round++) {
            redis.freeze();
            var answers = new ArrayList<CompletableFuture<Answer>>();
            for (int i = 0; i < 60; i++) {
                answers.add(calls.postLater("/activate", HttpCalls.machine(key, "machine-" + round + "-" + i)));
                answers.add(calls.postLater("/validate", HttpCalls.machine(key, "known")));
            }
            answers.forEach(answer -> assertRefused(answer.join()));
            redis.thaw();
            assertThatAllIsWellInTime();
        }
        // What was answered 503 may have been done; no answer to another call may have been taken for it.
        for (int i = 0; i < 200; i++) {
            assertThat(calls.validate(key, "known").body()).isEqualTo("{\"success\":true,\"premium\":true}");
            assertThat(calls.validate(key, "unknown").body()).isEqualTo("{\"success\":false,\"premium\":false}");
            String other = calls.register(Concurrency.randomEmail());
            assertThat(calls.activate(other, "first").json().getInteger("remainingSlots"))
                    .isEqualTo(2);
        }
        assertThat(calls.license(key).getJsonArray("machines").size()).isLessThanOrEqualTo(3);
    }

    @Test
    void is_not_ready_before_redis_is_there_and_ready_then() {
        try (RedisProcess late = RedisProcess.start()) {
            late.kill();
            try (TestServer early = TestServer.start(late.url())) {
                HttpCalls earlyCalls = early.calls();
                assertThat(earlyCalls.get("/livez").status()).isEqualTo(200);
                assertRefused(earlyCalls.get("/readyz"));
                assertRefused(earlyCalls.validate(key, "known"));

                late.startAgain();
                Wait.until(
                        "the server is ready", () -> earlyCalls.get("/readyz").status() == 200);
                assertThat(earlyCalls.register(Concurrency.randomEmail())).hasSize(19);
            }
        }
    }

    @Test
    void is_not_ready_while_its_user_lacks_a_right_and_ready_when_that_is_granted() {
        redis.ask("ACL SETUSER app on >pass ~* +@all -del");
        try (TestServer limited = TestServer.start("redis://app:pass@127.0.0.1:" + redis.port())) {
            HttpCalls limitedCalls = limited.calls();
            Wait.until("it says so", () -> {
                Answer ready = limitedCalls.get("/readyz");
                assertThat(ready.status()).isEqualTo(503);
                return ready.body().contains("lacks a right");
            });

            redis.ask("ACL SETUSER app +del");
            Wait.until("it is ready", () -> limitedCalls.get("/readyz").status() == 200);
        }
    }

    private void assertThatEveryCallIsRefusedInTime() {
        var email = new JsonObject().put("email", Concurrency.randomEmail());
        var later = new ArrayList<CompletableFuture<Answer>>();
        long begin = System.nanoTime();
        for (String path : List.of("/register-license", "/license-info")) {
            later.add(calls.postLater(path, email));
        }
        for (String path : List.of("/activate", "/validate", "/deactivate")) {
            later.add(calls.postLater(path, HttpCalls.machine(key, "known")));
            later.add(calls.postLater(path, HttpCalls.machine(key, "new")));
        }
        later.forEach(answer -> assertRefused(answer.join()));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(ANSWERED_WITHIN);
        Wait.until("the server is not ready", () -> calls.get("/readyz").status() == 503);
        assertThat(calls.get("/livez").status()).isEqualTo(200);
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.succeeded()).isFalse();
    }

    private void assertThatAllIsWellInTime() {
        long begin = System.nanoTime();
        Wait.until("a call succeeds", () -> calls.validate(key, "known").status() == 200);
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(WELL_WITHIN);
        assertThat(calls.validate(key, "known").succeeded()).isTrue();
        assertThat(calls.activate(key, "known").status()).isEqualTo(200);
    }
}
