package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import licenseserver.FaultProxy.Direction;
import licenseserver.FaultProxy.Fault;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Whatever the network between the server and Redis does: no wrong answer, none late, nothing leaked, and all well by itself
 * afterwards. One server is behind the faults; another one, on the same Redis, tells what is true.
 */
class FaultIT {
    private static final Duration REDIS_TIMEOUT = Duration.ofMillis(300);

    /** What a slow machine may add to it: the client's and the proxy's own time, and a garbage collection in each. */
    private static final Duration MARGIN = Duration.ofMillis(1200);

    private static final Duration WELL_WITHIN = Duration.ofSeconds(2);

    /** Of each event loop; a server has one a core. */
    private static final int POOL_SIZE = 16;

    private static final int EVENT_LOOPS = Runtime.getRuntime().availableProcessors();

    private static RedisProcess redis;
    private static FaultProxy proxy;
    private static TestServer server;
    private static TestServer otherServer;
    private static HttpCalls calls;
    private static HttpCalls truth;
    private static String full;
    private static String known;

    @BeforeAll
    static void start() {
        redis = RedisProcess.start();
        proxy = new FaultProxy(redis.port());
        server = TestServer.startReady(proxy.url(), "REDIS_TIMEOUT_MILLIS", String.valueOf(REDIS_TIMEOUT.toMillis()));
        otherServer = TestServer.startReady(redis.url());
        calls = server.calls();
        truth = otherServer.calls();
        full = licenseOf("one", "two", "three");
        known = licenseOf("known");
    }

    @AfterAll
    static void stop() {
        server.close();
        otherServer.close();
        proxy.close();
        redis.close();
    }

    @AfterEach
    void takeBack() {
        proxy.takeBack();
    }

    private static String licenseOf(String... machines) {
        String key = truth.register(Concurrency.randomEmail());
        for (String machine : machines) {
            assertThat(truth.activate(key, machine).status()).isEqualTo(200);
        }
        return key;
    }

    @Test
    void answers_right_when_redis_is_a_little_slow() {
        List<Answer> answers = answersThrough(() -> proxy.all(Fault.latency(Duration.ofMillis(10))));
        assertThat(answers).extracting(Answer::status).contains(200);
    }

    @Test
    void refuses_when_redis_is_too_slow_and_forgets_what_it_says_late() {
        assertAllRefused(answersThrough(() -> proxy.all(Fault.latency(REDIS_TIMEOUT.plusMillis(100)))));
    }

    @Test
    void refuses_or_answers_right_when_connections_are_cut() {
        answersThrough(() -> proxy.all(Fault.CUT));
        for (String command : List.of("GET", "WATCH", "EXEC", "SET", "HELLO")) {
            assertSomeAnswered(answersThrough(() -> proxy.nextWith(command, Fault.CUT)));
        }
        assertSomeAnswered(answersThrough(() -> proxy.nextConnection(Fault.CUT)));
    }

    @Test
    void refuses_while_connections_are_refused() {
        assertAllRefused(answersThrough(proxy::refuse));
    }

    @Test
    void refuses_or_answers_right_when_one_direction_stops() {
        for (Direction direction : Direction.values()) {
            assertAllRefused(answersThrough(() -> proxy.all(Fault.halfOpen(direction))));
            for (String command : List.of("GET", "WATCH", "EXEC")) {
                assertSomeAnswered(answersThrough(() -> proxy.nextWith(command, Fault.halfOpen(direction))));
            }
            assertSomeAnswered(answersThrough(() -> proxy.nextConnection(Fault.halfOpen(direction))));
        }
    }

    @Test
    void refuses_or_answers_right_when_connections_fall_silent() {
        assertAllRefused(answersThrough(() -> proxy.all(Fault.BLACK_HOLE)));
        for (String command : List.of("GET", "WATCH", "EXEC")) {
            assertSomeAnswered(answersThrough(() -> proxy.nextWith(command, Fault.BLACK_HOLE)));
        }
        assertSomeAnswered(answersThrough(() -> proxy.nextConnection(Fault.BLACK_HOLE)));
    }

    @Test
    void refuses_or_answers_right_when_connections_are_reset_in_the_middle_of_a_reply() {
        for (int replied : List.of(0, 1, 4, 6, 20, 100)) {
            answersThrough(() -> proxy.all(Fault.resetAfter(replied)));
            for (String command : List.of("GET", "WATCH", "EXEC")) {
                assertSomeAnswered(answersThrough(() -> proxy.nextWith(command, Fault.resetAfter(replied))));
            }
        }
    }

    @Test
    void answers_right_when_every_byte_comes_by_itself() {
        answersThrough(() -> proxy.all(Fault.BYTE_BY_BYTE));
        for (String command : List.of("GET", "WATCH", "EXEC")) {
            assertSomeAnswered(answersThrough(() -> proxy.nextWith(command, Fault.BYTE_BY_BYTE)));
        }
    }

    /** Cut before Redis got it; after it was done, before its reply; and with the reply to come too late. */
    @Test
    void a_write_with_unknown_outcome_is_refused_and_repeating_it_takes_no_second_slot() {
        for (int done = 0; done <= 1; done++) {
            for (Fault fault : done == 0
                    ? List.of(Fault.CUT, Fault.BLACK_HOLE)
                    : List.of(Fault.resetAfter(0), Fault.halfOpen(Direction.TO_SERVER))) {
                String key = licenseOf("first");
                assertThat(postThroughAtWrite(fault, "/activate", HttpCalls.machine(key, "second")))
                        .isEqualTo(503);
                assertThat(machines(key)).isEqualTo(1 + done);
                assertThat(wellSoon("/activate", HttpCalls.machine(key, "second"))
                                .json()
                                .getInteger("remainingSlots"))
                        .isEqualTo(1);
                assertThat(machines(key)).isEqualTo(2);

                assertThat(postThroughAtWrite(fault, "/deactivate", HttpCalls.machine(key, "second")))
                        .isEqualTo(503);
                assertThat(machines(key)).isEqualTo(2 - done);
                assertThat(wellSoon("/deactivate", HttpCalls.machine(key, "second"))
                                .status())
                        .isEqualTo(200);
                assertThat(machines(key)).isEqualTo(1);

                var email = new JsonObject().put("email", Concurrency.randomEmail());
                assertThat(postThroughAtWrite(fault, "/register-license", email))
                        .isEqualTo(503);
                assertThat(truth.post("/license-info", email).status()).isEqualTo(done == 0 ? 404 : 200);
                Answer registered = wellSoon("/register-license", email);
                assertThat(registered.succeeded()).isEqualTo(done == 0);
                assertThat(registered.json().getString("key")).isEqualTo(keyOf(email));
            }
        }
    }

    @Test
    void leaks_no_connection_in_a_thousand_faults() {
        var random = new Random(20);
        List<Fault> loud = List.of(Fault.CUT, Fault.resetAfter(0), Fault.resetAfter(5), Fault.resetAfter(60));
        List<Fault> silent = List.of(Fault.BLACK_HOLE, Fault.halfOpen(Direction.TO_SERVER));
        List<String> commands = List.of("WATCH", "WATCH", "EXEC", "EXEC", "GET", "HELLO");
        int before = proxy.faulty();
        for (int round = 0; proxy.faulty() - before < 1000; round++) {
            List<Fault> faults = round % 5 == 0 ? silent : loud;
            for (int i = 0; i < 20; i++) {
                proxy.nextWith(
                        commands.get(random.nextInt(commands.size())), faults.get(random.nextInt(faults.size())));
            }
            var answers = new ArrayList<CompletableFuture<Answer>>();
            for (int i = 0; i < 30; i++) {
                answers.add(calls.postLater("/deactivate", HttpCalls.machine(full, "none")));
                answers.add(calls.postLater("/register-license", email(Concurrency.randomEmail())));
                answers.add(calls.postLater("/validate", HttpCalls.machine(full, "two")));
            }
            answers.forEach(answer -> assertThat(answer.join().status()).isIn(200, 503));
        }
        proxy.takeBack();

        assertThatEveryPoolIsWhole();
        // Idle connections end by themselves. What may stay: of each server its monitor's and its sweep's, and two of
        // each event loop,
        // one to read
        // for machines and one to read for the seller.
        Wait.until("idle connections are closed", () -> connectionsAtRedis() <= 4 + 2 * 2 * EVENT_LOOPS);
    }

    /** With Redis a little slow, changes wait for connections, so that each pool opens as many as it can have. */
    private static void assertThatEveryPoolIsWhole() {
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 3 * POOL_SIZE * EVENT_LOOPS; i++) {
            keys.add(keyOf(email(Concurrency.randomEmail()).put("maxMachines", 10_000)));
        }
        proxy.all(Fault.latency(REDIS_TIMEOUT.dividedBy(20)));
        Wait.until("each event loop works on " + POOL_SIZE + " changes at once", () -> {
            var answers = new ArrayList<CompletableFuture<Answer>>();
            keys.forEach(key -> answers.add(calls.postLater(
                    "/activate", HttpCalls.machine(key, UUID.randomUUID().toString()))));
            int most = 0;
            for (CompletableFuture<Answer> answer : answers) {
                answer.join();
                most = Math.max(most, proxy.openWith("WATCH"));
            }
            return most >= POOL_SIZE * EVENT_LOOPS;
        });
        proxy.takeBack();
    }

    private static long connectionsAtRedis() {
        return redis.ask("CLIENT LIST").lines().count() - 1;
    }

    private static int postThroughAtWrite(Fault fault, String path, JsonObject body) {
        int before = proxy.faulty();
        // Only the transaction that changes a license adds to a history, in one packet with its EXEC.
        proxy.nextWith("RPUSH", fault);
        Answer answer = calls.post(path, body);
        assertThat(proxy.faulty()).isEqualTo(before + 1);
        proxy.takeBack();
        return answer.status();
    }

    private static int machines(String key) {
        return truth.license(key).getJsonArray("machines").size();
    }

    private static String keyOf(JsonObject email) {
        return truth.post("/register-license", email).json().getString("key");
    }

    private static JsonObject email(String email) {
        return new JsonObject().put("email", email);
    }

    /**
     * A call, what it is to be answered where it is answered, and what once more afterwards.
     *
     * @param right asked for after the call was made
     */
    private record Call(String path, JsonObject body, Supplier<Answer> right, Supplier<Answer> rightAgain) {
        static Call of(String path, JsonObject body, int status, String answer) {
            return of(path, body, new Answer(status, answer));
        }

        static Call of(String path, JsonObject body, Answer answer) {
            return new Call(path, body, () -> answer, () -> answer);
        }
    }

    private static List<Call> fiveCalls() {
        String key = licenseOf("old");
        String yes = "{\"success\":true,\"premium\":true}";
        String no = "{\"success\":false,\"premium\":false}";
        JsonObject fullKey = new JsonObject().put("key", full);
        JsonObject newEmail = email(Concurrency.randomEmail());
        String fullEmail = truth.license(full).getString("email");
        return List.of(
                new Call(
                        "/register-license",
                        newEmail,
                        () -> new Answer(
                                200,
                                "{\"success\":true,\"key\":\"" + keyOf(newEmail) + "\",\"email\":\""
                                        + newEmail.getString("email") + "\"}"),
                        () -> truth.post("/register-license", newEmail)),
                Call.of(
                        "/register-license",
                        email(fullEmail),
                        200,
                        "{\"success\":false,\"message\":\"Email already registered\",\"key\":\"" + full + "\"}"),
                Call.of("/license-info", fullKey, truth.post("/license-info", fullKey)),
                Call.of("/license-info", email(fullEmail), truth.post("/license-info", fullKey)),
                Call.of(
                        "/license-info",
                        email(Concurrency.randomEmail()),
                        404,
                        "{\"success\":false,\"message\":\"License not found\"}"),
                Call.of(
                        "/activate",
                        HttpCalls.machine(known, "known"),
                        200,
                        "{\"success\":true,\"premium\":true,\"remainingSlots\":2}"),
                Call.of(
                        "/activate",
                        HttpCalls.machine(licenseOf("old"), "new"),
                        200,
                        "{\"success\":true,\"premium\":true,\"remainingSlots\":1}"),
                Call.of(
                        "/activate",
                        HttpCalls.machine(full, "four"),
                        403,
                        "{\"success\":false,\"message\":\"Activation limit exceeded\"}"),
                Call.of("/validate", HttpCalls.machine(full, "three"), 200, yes),
                Call.of("/validate", HttpCalls.machine(full, "four"), 200, no),
                Call.of("/deactivate", HttpCalls.machine(key, "old"), 200, "{\"success\":true}"));
    }

    /** The answers to the five calls while there is a fault; that none is wrong or late, and all is well after it, is seen to. */
    private static List<Answer> answersThrough(Runnable fault) {
        List<Call> each = fiveCalls();
        // So that there are connections in the pools that can break.
        assertThat(wellSoon("/deactivate", HttpCalls.machine(full, "none")).status())
                .isEqualTo(200);
        fault.run();
        var later = new ArrayList<CompletableFuture<Answer>>();
        long begin = System.nanoTime();
        each.forEach(call -> later.add(calls.postLater(call.path(), call.body())));
        List<Answer> answers = later.stream().map(CompletableFuture::join).toList();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(REDIS_TIMEOUT.plus(MARGIN));
        proxy.takeBack();

        long takenBack = System.nanoTime();
        var again = new ArrayList<Answer>();
        each.forEach(call -> again.add(wellSoon(call.path(), call.body())));
        assertThat(Duration.ofNanos(System.nanoTime() - takenBack)).isLessThan(WELL_WITHIN);
        for (int i = 0; i < each.size(); i++) {
            Call call = each.get(i);
            if (answers.get(i).status() == 503) {
                assertThat(answers.get(i).succeeded()).isFalse();
                // Done or not done then, so that a registration may be new now; its key is right either way.
                assertThat(again.get(i))
                        .isIn(call.right().get(), call.rightAgain().get());
            } else {
                assertThat(answers.get(i))
                        .as(call.path())
                        .isEqualTo(call.right().get());
                assertThat(again.get(i))
                        .as(call.path())
                        .isEqualTo(call.rightAgain().get());
            }
        }
        return answers;
    }

    /** The first answer that is no 503. */
    private static Answer wellSoon(String path, JsonObject body) {
        var answer = new Answer[1];
        Wait.until(path + " is answered", () -> {
            answer[0] = calls.post(path, body);
            return answer[0].status() != 503;
        });
        return answer[0];
    }

    private static void assertAllRefused(List<Answer> answers) {
        assertThat(answers).extracting(Answer::status).containsOnly(503);
    }

    /** Where only one connection is faulty. */
    private static void assertSomeAnswered(List<Answer> answers) {
        assertThat(answers).extracting(Answer::status).contains(200);
    }
}
