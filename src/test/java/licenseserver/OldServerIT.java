package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * This version and an older one on one Redis, as in a rolling upgrade and its rollback. The system property
 * {@code old-server.jar} names the older program; {@code .ci/run} builds it.
 */
class OldServerIT {
    private static final String NEW = JarProcess.jar();
    private static final String OLD = System.getProperty("old-server.jar", "");

    private static final int STORMS = 2;
    private static final int HISTORIES = 4;
    private static final int KILLS = 2;
    private static final int MOVERS = 8;
    private static final int MOVES = 40;

    private final RedisProcess redis = RedisProcess.start();
    private final List<JarProcess> started = new ArrayList<>();

    @TempDir
    Path folder;

    @BeforeEach
    void needs_the_old_program() {
        assumeTrue(!OLD.isEmpty(), "-Dold-server.jar does not name the program of an older version");
    }

    @AfterEach
    void stop() {
        started.forEach(JarProcess::close);
        redis.close();
    }

    /** A running program and which one it is. */
    private record Server(String jar, JarProcess process, HttpCalls calls) {}

    private Server start(String jar) {
        JarProcess process = JarProcess.start(
                folder,
                Map.of(
                        "HOST",
                        "127.0.0.1",
                        "PORT",
                        "0",
                        "REDIS_URL",
                        redis.url(),
                        "ADMIN_SECRET",
                        HttpCalls.SECRET,
                        // The older version does not know it.
                        "HISTORY_SECRET",
                        "a secret of these servers",
                        // A busy machine does not matter here.
                        "REDIS_TIMEOUT_MILLIS",
                        "10000"),
                List.of("-jar", jar));
        started.add(process);
        var calls = new HttpCalls(process.port());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        return new Server(jar, process, calls);
    }

    private static JsonObject byKey(String key) {
        return new JsonObject().put("key", key);
    }

    private static JsonObject byEmail(String email) {
        return new JsonObject().put("email", email);
    }

    /** Two servers of which one after the other is replaced by a new one, and then by an old one again. */
    @Test
    void an_upgrade_and_its_rollback_keep_every_promise() throws Exception {
        Server first = start(OLD);
        Server second = start(OLD);
        var sold = new ArrayList<Sold>();
        sellAndCheck(sold, first, second);

        first = replace(first, NEW);
        sellAndCheck(sold, first, second);
        second = replace(second, NEW);
        sellAndCheck(sold, first, second);
        first = replace(first, OLD);
        sellAndCheck(sold, first, second);
        second = replace(second, OLD);
        sellAndCheck(sold, first, second);
    }

    private Server replace(Server server, String jar) {
        server.process().close();
        return start(jar);
    }

    /** Sells through each server, and looks through each at all that was sold before. */
    private static void sellAndCheck(List<Sold> sold, Server first, Server second) throws Exception {
        sold.add(Sold.sell(first, second));
        sold.add(Sold.sell(second, first));
        List<HttpCalls> both = List.of(first.calls(), second.calls());
        List<String> latest = sold.stream()
                .skip(sold.size() - 2)
                .map(license -> license.other().answer().json().getString("key"))
                .toList();
        for (HttpCalls server : both) {
            Wait.until(
                    "both sales are among the recent events",
                    () -> latest.stream().allMatch(recentEvents(server)::contains));
        }
        for (Sold license : sold) {
            license.checkAt(first);
            license.checkAt(second);
        }
        for (int i = 0; i < STORMS; i++) {
            assertThat(Concurrency.activationStorm(both)).isEmpty();
            assertThat(Concurrency.registerStorm(both)).isEmpty();
        }
        for (int seed = 0; seed < HISTORIES; seed++) {
            assertThat(Concurrency.randomHistory(both, seed)).isEmpty();
        }
    }

    private static String recentEvents(HttpCalls server) {
        Answer answer = server.post("/recent-events", new JsonObject());
        assertThat(answer.status()).isEqualTo(200);
        return answer.body();
    }

    /** A call with an {@code Idempotency-Key}, and what the server that carried it out answered. */
    private record Registration(String idempotencyKey, JsonObject body, String jar, Answer answer) {
        static Registration at(Server server) {
            String idempotencyKey = UUID.randomUUID().toString();
            JsonObject body = byEmail(Concurrency.randomEmail());
            Answer answer = server.calls().postOnce(idempotencyKey, "/register-license", body);
            assertThat(answer.succeeded()).isTrue();
            return new Registration(idempotencyKey, body, server.jar(), answer);
        }

        void repeatAt(Server server) {
            Answer repeated = server.calls().postOnce(idempotencyKey, "/register-license", body);
            if (server.jar().equals(OLD) && jar.equals(NEW) && repeated.status() == 422) {
                // An older version need not understand what this one keeps, if only it does nothing twice.
                return;
            }
            assertThat(repeated).isEqualTo(answer);
        }
    }

    /**
     * A license that had a life, and what its customer and its seller were told of it in the end.
     *
     * @param former the address and the key that it had before
     * @param other another license, which nobody has touched since
     */
    private record Sold(
            String key, String email, Former former, Registration other, JsonObject license, JsonArray events) {
        private static final String LABEL = "Ada's laptop";

        private static final Map<String, Object> TERMS = Map.of(
                "notes",
                "Paid by transfer.\nKnows the price.",
                "metadata",
                Map.of("order", 4711),
                "expiresAt",
                4_102_444_800_000L,
                "idleDays",
                90,
                "newMachinesPer30Days",
                9);

        private record Former(String key, String email) {}

        /** Uses the servers in turn. */
        static Sold sell(Server first, Server second) {
            HttpCalls one = first.calls();
            HttpCalls other = second.calls();
            String formerEmail = Concurrency.randomEmail();
            String email = Concurrency.randomEmail();
            JsonObject order = byEmail(formerEmail).put("maxMachines", 2).mergeIn(new JsonObject(TERMS));
            String formerKey = one.post("/register-license", order).json().getString("key");
            assertThat(other.post(
                                    "/activate",
                                    HttpCalls.machine(formerKey, "laptop").put("label", LABEL))
                            .status())
                    .isEqualTo(200);
            assertThat(one.activate(formerKey, "desktop").status()).isEqualTo(200);
            assertThat(other.activate(formerKey, "studio").status()).isEqualTo(403);
            assertThat(other.deactivate(formerKey, "desktop").status()).isEqualTo(200);
            assertThat(one.activate(formerKey, "studio").status()).isEqualTo(200);

            assertThat(one.post("/disable-license", byKey(formerKey).put("reason", "unpaid"))
                            .status())
                    .isEqualTo(200);
            assertThat(other.validate(formerKey, "laptop").succeeded()).isFalse();
            assertThat(other.post("/enable-license", byKey(formerKey)).status()).isEqualTo(200);
            assertThat(one.post(
                                    "/update-license",
                                    byKey(formerKey).put("maxMachines", 3).put("newEmail", email))
                            .status())
                    .isEqualTo(200);
            String key = other.post("/rotate-key", byEmail(email).put("keepMachines", true))
                    .json()
                    .getString("key");

            String gone = one.register(Concurrency.randomEmail());
            assertThat(other.post("/delete-license", byKey(gone)).status()).isEqualTo(200);
            assertThat(one.activate(gone, "laptop").status()).isEqualTo(404);

            return new Sold(
                    key,
                    email,
                    new Former(formerKey, formerEmail),
                    Registration.at(first),
                    one.license(key),
                    history(other, key));
        }

        void checkAt(Server at) {
            HttpCalls server = at.calls();
            other.repeatAt(at);
            // A newer server may tell more.
            for (JsonObject name : List.of(byKey(key), byEmail(email))) {
                JsonObject found = server.post("/license-info", name).json().getJsonObject("license");
                assertThat(found.getMap())
                        .containsAllEntriesOf(license.getMap())
                        .containsAllEntriesOf(TERMS);
                assertThat(found.getJsonArray("machines").getJsonObject(0).getString("label"))
                        .isEqualTo(LABEL);
            }
            assertThat(history(server, key)).hasSameElementsAs(events);
            assertThat(server.validate(key, "laptop").succeeded()).isTrue();
            assertThat(server.validate(key, "studio").succeeded()).isTrue();
            assertThat(server.validate(key, "desktop").succeeded()).isFalse();
            assertThat(server.post("/license-info", byKey(former.key())).status())
                    .isEqualTo(404);
            assertThat(server.post("/license-info", byEmail(former.email())).status())
                    .isEqualTo(404);
        }
    }

    /** An old server stores signs of life in the record, and does not see those that lie beside it. */
    @Test
    void signs_of_life_of_both_are_shown_by_this_version() {
        String key = "K7FH-WP3A-M9QZ-B2CD";
        redis.tell(
                "SET",
                "license:" + key,
                "{\"key\":\"" + key + "\",\"email\":\"ada@example.com\",\"createdAt\":1719000000000,\"maxMachines\":3,"
                        + "\"disabled\":false,\"machines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000000},"
                        + "{\"machineId\":\"desktop\",\"activatedAt\":1719000000000,\"lastSeenAt\":1719003600000}]}");
        stopAfter(
                NEW,
                server -> assertThat(server.validate(key, "laptop").succeeded()).isTrue());

        stopAfter(OLD, server -> {
            assertThat(lastSeen(server, key)).containsExactly(false, true);
            assertThat(server.activate(key, "studio").status()).isEqualTo(200);
        });
        stopAfter(NEW, server -> {
            assertThat(lastSeen(server, key)).containsExactly(true, true, false);
            assertThat(server.deactivate(key, "studio").status()).isEqualTo(200);
        });
        // This version has put into the record what lay beside it.
        stopAfter(OLD, server -> assertThat(lastSeen(server, key)).containsExactly(true, true));
    }

    private void stopAfter(String jar, Consumer<HttpCalls> calls) {
        Server server = start(jar);
        calls.accept(server.calls());
        server.process().terminate();
        assertThat(server.process().exitStatus()).isZero();
    }

    /** Whether each machine of a license has a time at which it was last seen. */
    private static List<Boolean> lastSeen(HttpCalls server, String key) {
        return server.license(key).getJsonArray("machines").stream()
                .map(machine -> ((JsonObject) machine).containsKey("lastSeenAt"))
                .toList();
    }

    @Test
    void this_version_finishes_what_a_killed_old_server_left_half_done() throws Exception {
        finishesWhatWasLeft(OLD, NEW);
    }

    @Test
    void an_old_server_finishes_what_a_killed_one_of_this_version_left_half_done() throws Exception {
        finishesWhatWasLeft(NEW, OLD);
    }

    /** Kills a server while clients give licenses new keys and addresses, and looks at these through another one. */
    private void finishesWhatWasLeft(String killed, String left) throws Exception {
        HttpCalls survivor = start(left).calls();
        for (int round = 0; round < KILLS; round++) {
            Server dying = start(killed);
            var moves = new AtomicInteger();
            List<Mover> movers = Stream.generate(() -> new Mover(dying.calls(), moves))
                    .limit(MOVERS)
                    .toList();
            ExecutorService threads = Executors.newFixedThreadPool(MOVERS);
            List<Future<?>> running =
                    movers.stream().<Future<?>>map(threads::submit).toList();
            Wait.until("licenses have moved", () -> moves.get() > MOVES);
            dying.process().kill();
            for (Future<?> mover : running) {
                mover.get(30, TimeUnit.SECONDS);
            }
            threads.shutdown();
            movers.forEach(mover -> mover.checkAt(survivor));
        }
    }

    /** Gives a license a new key, then a new address, and so on until its server dies. */
    private static final class Mover implements Runnable {
        private final HttpCalls server;
        private final AtomicInteger moves;

        /** Those that the client was told, the newest first. */
        private final Deque<String> keys = new ArrayDeque<>();

        /** The newest first, which may or may not have become the license's. */
        private final Deque<String> emails = new ArrayDeque<>();

        Mover(HttpCalls server, AtomicInteger moves) {
            this.server = server;
            this.moves = moves;
            emails.push(Concurrency.randomEmail());
            keys.push(server.register(emails.peek()));
            assertThat(server.activate(keys.peek(), "laptop").status()).isEqualTo(200);
        }

        @Override
        public void run() {
            try {
                while (true) {
                    Answer rotated =
                            server.post("/rotate-key", byKey(keys.peek()).put("keepMachines", true));
                    keys.push(rotated.json().getString("key"));
                    emails.push(Concurrency.randomEmail());
                    server.post("/update-license", byKey(keys.peek()).put("newEmail", emails.peek()));
                    moves.incrementAndGet();
                }
            } catch (CompletionException dead) {
                // Whether the last call took effect shows at the other server.
            }
        }

        void checkAt(HttpCalls survivor) {
            List<JsonObject> found = emails.stream()
                    .map(email -> survivor.post("/license-info", byEmail(email)))
                    .filter(answer -> answer.status() == 200)
                    .map(answer -> answer.json().getJsonObject("license"))
                    .toList();
            assertThat(found).hasSize(1);
            String key = found.get(0).getString("key");
            assertThat(survivor.validate(key, "laptop").succeeded()).isTrue();
            assertThat(history(survivor, key)).hasSizeGreaterThan(keys.size());
            for (String former : keys) {
                assertThat(survivor.validate(former, "laptop").succeeded()).isEqualTo(former.equals(key));
            }
        }
    }

    private static JsonArray history(HttpCalls server, String key) {
        JsonObject history =
                server.post("/license-history", byKey(key).put("limit", 1000)).json();
        assertThat(history.getBoolean("whole")).isTrue();
        return history.getJsonArray("events");
    }
}
