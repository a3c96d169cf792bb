package licenseserver;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Offered several times what it can do, the server does what it can and refuses the rest at once. */
class OverloadIT {
    /** How much later Redis answers. */
    private static final int DELAY_MILLIS = 80;

    /** An activation takes two delays, on one of 16 connections. */
    private static final int DONE_A_LOOP_AND_SECOND = 16 * 1000 / (2 * DELAY_MILLIS);

    private static final int LOOPS = Runtime.getRuntime().availableProcessors();
    private static final int TICK_MILLIS = 10;
    private static final Duration LOAD = Duration.ofSeconds(4);

    /** A register takes five delays. */
    private static final Duration SOON = Duration.ofSeconds(1);

    private final Vertx vertx = Vertx.vertx();
    private final List<String> keys = new ArrayList<>();
    private RedisProcess redis;
    private FaultProxy proxy;
    private TestServer server;
    private HttpCalls calls;
    private HttpClient client;
    private int port;

    /** What came of one call. */
    private record Outcome(int status, @Nullable String retryAfter, Duration took) {}

    @BeforeEach
    void start() {
        redis = RedisProcess.start();
        proxy = new FaultProxy(redis.port());
        proxy.all(FaultProxy.Fault.latency(Duration.ofMillis(DELAY_MILLIS / 2)));
        // The time-out is longer than the load: what is refused is refused for being too much.
        server = TestServer.startReady(proxy.url(), "REDIS_TIMEOUT_MILLIS", "6000");
        calls = server.calls();
        port = server.port();
        client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(20_000));
        var registered = new ArrayList<Future<String>>();
        for (int i = 0; i < 200; i++) {
            registered.add(post(
                            "/register-license",
                            new JsonObject()
                                    .put("email", Concurrency.randomEmail())
                                    .put("maxMachines", 10_000))
                    .compose(HttpClientResponse::body)
                    .map(body -> body.toJsonObject().getString("key")));
        }
        registered.forEach(key -> keys.add(await(key)));
    }

    @AfterEach
    void stop() {
        server.close();
        proxy.close();
        redis.close();
        await(vertx.close());
    }

    private Future<HttpClientResponse> post(String path, JsonObject body) {
        return client.request(HttpMethod.POST, port, "127.0.0.1", path)
                .compose(request -> request.putHeader("Authorization", "Bearer " + HttpCalls.SECRET)
                        .send(body.toBuffer()));
    }

    @Test
    void answers_what_it_can_refuses_the_rest_at_once_and_lets_validations_and_admin_calls_through() {
        String key = keys.get(0);
        assertThat(calls.activate(key, "known").status()).isEqualTo(200);
        var load = new Load();

        long timer = vertx.setPeriodic(TICK_MILLIS, tick -> load.offer());
        long end = System.nanoTime() + LOAD.toNanos();
        while (System.nanoTime() - end < 0) {
            assertThatItSucceedsSoon("/validate", HttpCalls.machine(key, "known"));
            assertThatItSucceedsSoon("/license-info", new JsonObject().put("key", key));
            assertThatItSucceedsSoon("/register-license", new JsonObject().put("email", Concurrency.randomEmail()));
            // A change of a license that activations stand in line for.
            assertThatItSucceedsSoon("/enable-license", new JsonObject().put("key", key));
            assertThatItSucceedsSoon(
                    "/update-license",
                    new JsonObject().put("key", key).put("notes", String.valueOf(System.nanoTime())));
            assertThat(calls.get("/readyz").status()).isEqualTo(200);
            assertThat(calls.get("/livez").status()).isEqualTo(200);
        }
        vertx.cancelTimer(timer);

        long over = System.nanoTime();
        Wait.until(
                "an activation succeeds",
                () -> calls.activate(keys.get(1), "after").status() == 200);
        assertThat(Duration.ofNanos(System.nanoTime() - over)).isLessThan(SOON);
        Wait.until("all are answered", () -> load.open.get() == 0);
        assertThat(load.outcomes)
                .allMatch(outcome ->
                        outcome.status() == 200 || (outcome.status() == 503 && "1".equals(outcome.retryAfter())));
        assertThat(load.times(200).size()).isGreaterThan(LOOPS * DONE_A_LOOP_AND_SECOND * (int) LOAD.toSeconds() / 2);
        List<Duration> refusals = load.times(503);
        assertThat(refusals.size()).isGreaterThan(load.outcomes.size() / 4);
        assertThat(refusals.get(refusals.size() * 95 / 100)).isLessThan(Duration.ofMillis(300));
        assertThat(load.mostOpen).isLessThan(LOOPS * 300);
    }

    private void assertThatItSucceedsSoon(String path, JsonObject body) {
        long begin = System.nanoTime();
        assertThat(calls.post(path, body).status()).as(path).isEqualTo(200);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).as(path).isLessThan(SOON);
    }

    /** Activations at a fixed rate, three times what can be done, however many are not answered yet. */
    private final class Load {
        private final ConcurrentLinkedQueue<Outcome> outcomes = new ConcurrentLinkedQueue<>();
        private final AtomicInteger open = new AtomicInteger();
        private int offered;
        private int mostOpen;

        void offer() {
            for (int i = 0; i < LOOPS * 3 * DONE_A_LOOP_AND_SECOND * TICK_MILLIS / 1000; i++) {
                offered++;
                mostOpen = Math.max(mostOpen, open.incrementAndGet());
                long begin = System.nanoTime();
                post("/activate", HttpCalls.machine(keys.get(offered % keys.size()), "machine-" + offered))
                        .map(response -> new Outcome(
                                response.statusCode(),
                                response.getHeader("Retry-After"),
                                Duration.ofNanos(System.nanoTime() - begin)))
                        .otherwise(failure -> new Outcome(0, null, Duration.ZERO))
                        .onSuccess(outcomes::add)
                        .onComplete(done -> open.decrementAndGet());
            }
        }

        /** How long the answers with that status took, the shortest first. */
        List<Duration> times(int status) {
            return outcomes.stream()
                    .filter(outcome -> outcome.status() == status)
                    .map(Outcome::took)
                    .sorted()
                    .toList();
        }
    }
}
