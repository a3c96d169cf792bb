package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Redis that lost its data must not be believed when it says that a customer has no license. */
class LostDataIT {
    private static final Answer YES = new Answer(200, "{\"success\":true,\"premium\":true}");
    private static final Answer NO = new Answer(200, "{\"success\":false,\"premium\":false}");

    private static String licenseOf(HttpCalls calls, String machineId) {
        String key = calls.register(Concurrency.randomEmail());
        assertThat(calls.activate(key, machineId).status()).isEqualTo(200);
        return key;
    }

    /** Waits until the server says that data is missing; until then, and after it, nobody may be told "no". */
    static void assertThatItIsRefused(HttpCalls calls, String key, String machineId) {
        Wait.until("the server says that data is lost", () -> {
            assertThat(calls.validate(key, machineId)).isNotEqualTo(NO);
            return calls.get("/readyz").body().contains("lost its data");
        });
        assertThat(calls.get("/readyz").status()).isEqualTo(503);
        for (int i = 0; i < 20; i++) {
            assertThat(calls.validate(key, machineId)).isNotEqualTo(NO);
        }
        for (String path : List.of("/activate", "/deactivate")) {
            assertThat(calls.post(path, HttpCalls.machine(key, machineId)).status())
                    .isEqualTo(503);
        }
        var email = new JsonObject().put("email", Concurrency.randomEmail());
        for (String path : List.of("/register-license", "/license-info", "/delete-license")) {
            assertThat(calls.post(path, email).status()).as(path).isEqualTo(503);
        }
        assertThat(calls.post("/recent-events", new JsonObject()).status()).isEqualTo(503);
    }

    private static void assertThatAllIsWell(HttpCalls calls, String key, String machineId) {
        Wait.until(
                "the server is ready",
                () -> calls.get("/readyz").body().equals("{\"success\":true,\"status\":\"ready\"}"));
        assertThat(calls.validate(key, machineId)).isEqualTo(YES);
        assertThat(calls.activate(key, machineId + " 2").status()).isEqualTo(200);
    }

    @Nested
    class A_redis_that_restarts_empty {
        private void isRefusedUntilItsDataIsBack(RedisProcess redis, HttpCalls calls) {
            String key = licenseOf(calls, "laptop");
            redis.kill();
            redis.startAgainEmpty();

            assertThatItIsRefused(calls, key, "laptop");
            assertThat(redis.ask("DBSIZE")).isEqualTo("0");

            redis.kill();
            redis.startAgainWithItsData();
            assertThatAllIsWell(calls, key, "laptop");
        }

        @Test
        void is_refused_until_its_data_is_back() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(redis.url())) {
                isRefusedUntilItsDataIsBack(redis, server.calls());
            }
        }

        @Test
        void is_refused_by_a_server_that_waits_for_replicas() {
            try (RedisProcess redis = RedisProcess.start("--repl-diskless-sync-delay", "0");
                    RedisProcess replica =
                            RedisProcess.start("--replicaof", "127.0.0.1", String.valueOf(redis.port()))) {
                Wait.until(
                        "the replica follows",
                        () -> redis.tell("INFO", "replication").contains("state=online"));
                try (TestServer server = TestServer.startReady(redis.url(), "REDIS_REPLICAS_TO_WAIT", "1")) {
                    HttpCalls calls = server.calls();
                    String key = licenseOf(calls, "laptop");
                    redis.kill();
                    redis.startAgainEmpty();

                    assertThatItIsRefused(calls, key, "laptop");
                    Wait.until(
                            "the replica has lost its data, too",
                            () -> replica.ask("DBSIZE").equals("0"));
                }
            }
        }

        @Test
        void is_refused_by_a_server_that_only_ever_looked_on() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer writer = TestServer.startReady(redis.url())) {
                String key = licenseOf(writer.calls(), "laptop");
                try (TestServer reader = TestServer.startReady(redis.url())) {
                    assertThat(reader.calls().validate(key, "laptop")).isEqualTo(YES);
                    redis.kill();
                    redis.startAgainEmpty();

                    assertThatItIsRefused(reader.calls(), key, "laptop");
                }
            }
        }

        @Test
        void does_not_end_a_yes_that_is_remembered() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(
                            redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")) {
                HttpCalls calls = server.calls();
                String key = licenseOf(calls, "laptop");
                NearCacheIT.remember(calls, redis, key, "laptop");
                redis.kill();
                redis.startAgainEmpty();

                assertThatItIsRefused(calls, key, "laptop");
                assertThat(calls.validate(key, "laptop")).isEqualTo(YES);
                assertThat(calls.validate(key, "desktop").status()).isEqualTo(503);
            }
        }

        @Test
        void is_named_once_in_the_log_and_accepted_by_a_server_that_starts_then(@TempDir Path folder) {
            try (RedisProcess redis = RedisProcess.start()) {
                Map<String, String> settings = Map.of(
                        "HOST", "127.0.0.1", "PORT", "0", "REDIS_URL", redis.url(), "ADMIN_SECRET", HttpCalls.SECRET);
                try (JarProcess server = JarProcess.start(folder, settings)) {
                    var calls = new HttpCalls(server.port());
                    Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
                    String key = licenseOf(calls, "laptop");
                    redis.kill();
                    redis.startAgainEmpty();
                    assertThatItIsRefused(calls, key, "laptop");
                    server.terminate();
                    assertThat(server.exitStatus()).isZero();

                    assertThat(server.output())
                            .filteredOn(line -> line.contains("ERROR") && line.contains("lost its data"))
                            .singleElement()
                            .asString()
                            .contains("127.0.0.1:" + redis.port(), "restart");
                }
                try (TestServer next = TestServer.startReady(redis.url())) {
                    licenseOf(next.calls(), "laptop");
                }
            }
        }
    }

    @Nested
    class An_identity {
        private static String of(RedisProcess redis) {
            return redis.ask("GET store-identity");
        }

        @Test
        void is_made_by_the_first_write_and_not_by_a_start() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(redis.url())) {
                HttpCalls calls = server.calls();
                assertThat(calls.validate("AAAA-BBBB-CCCC-DDDD", "laptop")).isEqualTo(NO);
                assertThat(calls.activate("AAAA-BBBB-CCCC-DDDD", "laptop").status())
                        .isEqualTo(404);
                assertThat(redis.ask("DBSIZE")).isEqualTo("0");

                calls.register(Concurrency.randomEmail());
                assertThat(of(redis)).isNotEmpty();
            }
        }

        @Test
        void is_made_for_a_store_of_an_older_server_by_the_first_change_of_a_license() {
            try (RedisProcess redis = RedisProcess.start()) {
                redis.tell("SET", "email:ada@example.com", "AAAA-BBBB-CCCC-DDDD");
                redis.tell(
                        "SET",
                        "license:AAAA-BBBB-CCCC-DDDD",
                        "{\"key\":\"AAAA-BBBB-CCCC-DDDD\",\"email\":\"ada@example.com\",\"createdAt\":1,"
                                + "\"maxMachines\":3,\"disabled\":false,\"machines\":[]}");
                try (TestServer server = TestServer.startReady(redis.url())) {
                    assertThat(server.calls()
                                    .activate("AAAA-BBBB-CCCC-DDDD", "laptop")
                                    .status())
                            .isEqualTo(200);
                    assertThat(of(redis)).isNotEmpty();
                }
            }
        }

        @Test
        void is_the_same_for_all_servers_that_write_first() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer one = TestServer.startReady(redis.url());
                    TestServer other = TestServer.startReady(redis.url())) {
                List<CompletableFuture<Answer>> answers = IntStream.range(0, 40)
                        .mapToObj(i -> (i % 2 == 0 ? one : other)
                                .calls()
                                .postLater(
                                        "/register-license", new JsonObject().put("email", Concurrency.randomEmail())))
                        .toList();
                answers.forEach(answer -> assertThat(answer.join().status()).isEqualTo(200));
                String made = of(redis);
                assertThat(made).isNotEmpty();
                licenseOf(one.calls(), "laptop");
                licenseOf(other.calls(), "laptop");
                assertThat(of(redis)).isEqualTo(made);
            }
        }

        /** Until the next look a "no" is possible: the connections live on. */
        @Test
        void that_was_flushed_is_missed_at_the_next_look() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(
                            redis.url(), "NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")) {
                HttpCalls calls = server.calls();
                String key = licenseOf(calls, "laptop");
                NearCacheIT.remember(calls, redis, key, "laptop");
                redis.ask("FLUSHALL");

                Wait.until(
                        "the server says that data is lost",
                        () -> calls.get("/readyz").body().contains("lost its data"));
                assertThatItIsRefused(calls, key, "laptop");
                assertThat(calls.validate(key, "laptop")).isEqualTo(YES);
            }
        }

        @Test
        void that_changes_is_refused() {
            try (RedisProcess redis = RedisProcess.start();
                    TestServer server = TestServer.startReady(redis.url())) {
                HttpCalls calls = server.calls();
                String key = licenseOf(calls, "laptop");
                String own = of(redis);
                redis.tell("SET", "store-identity", "another");

                assertThatItIsRefused(calls, key, "laptop");

                redis.tell("SET", "store-identity", own);
                assertThatAllIsWell(calls, key, "laptop");
            }
        }
    }

    /** One master with a replica, and one sentinel that decides alone. */
    @Nested
    class Behind_a_sentinel {
        private static final String NAME = "licenses";

        private final RedisProcess master = RedisProcess.start("--repl-diskless-sync-delay", "0");
        private final RedisProcess replica =
                RedisProcess.start("--replicaof", "127.0.0.1", String.valueOf(master.port()));
        private final RedisProcess sentinel = RedisProcess.startSentinel(
                "sentinel monitor " + NAME + " 127.0.0.1 " + master.port() + " 1",
                "sentinel down-after-milliseconds " + NAME + " 2000",
                "sentinel failover-timeout " + NAME + " 6000");
        private TestServer server;
        private String key;

        @BeforeEach
        void start() {
            Wait.until(
                    "the sentinel knows the replica",
                    () -> sentinel.tell("SENTINEL", "MASTER", NAME).contains("num-slaves\n1")
                            && replica.tell("INFO", "replication").contains("master_link_status:up"));
            server = TestServer.startReady(
                    "redis://127.0.0.1:" + sentinel.port(),
                    "REDIS_TOPOLOGY",
                    "sentinel",
                    "REDIS_SENTINEL_MASTER",
                    NAME);
            key = licenseOf(server.calls(), "laptop");
            // What is written last, a moment after the answer.
            Wait.until(
                    "the replica has everything",
                    () -> replica.ask("XLEN recent-events").equals("2"));
        }

        @AfterEach
        void stop() {
            server.close();
            sentinel.close();
            replica.close();
            master.close();
        }

        private void failOver() {
            Wait.until("the sentinel begins a failover", () -> {
                try {
                    return sentinel.tell("SENTINEL", "FAILOVER", NAME).equals("OK");
                } catch (IllegalStateException notYet) {
                    return false;
                }
            });
            Wait.until("the replica is the master", () -> replica.tell("ROLE").startsWith("master"));
        }

        @Test
        void a_replica_that_has_the_data_is_believed() {
            failOver();

            Wait.until(
                    "the license is valid",
                    () -> server.calls().validate(key, "laptop").equals(YES));
            assertThatAllIsWell(server.calls(), key, "laptop");
        }

        @Test
        void an_empty_replica_is_refused() {
            replica.tell("CONFIG", "SET", "replica-read-only", "no");
            replica.tell("FLUSHALL");
            failOver();

            assertThatItIsRefused(server.calls(), key, "laptop");
            assertThat(replica.ask("DBSIZE")).isEqualTo("0");
        }
    }

    /** Three masters and no replica, so that one that restarts comes back as it is. */
    @Nested
    class In_a_cluster {
        private static final int SLOTS = 16_384;

        private final List<RedisProcess> masters = Stream.generate(
                        () -> RedisProcess.start("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no"))
                .limit(3)
                .toList();

        @BeforeEach
        void meet() {
            for (int i = 0; i < 3; i++) {
                var slots = new ArrayList<>(List.of("CLUSTER", "ADDSLOTS"));
                for (int slot = i * SLOTS / 3; slot < (i + 1) * SLOTS / 3; slot++) {
                    slots.add(String.valueOf(slot));
                }
                masters.get(i).tell(slots.toArray(String[]::new));
                masters.get(i).tell("CLUSTER", "SET-CONFIG-EPOCH", String.valueOf(i + 1));
                masters.get(i)
                        .tell(
                                "CLUSTER",
                                "MEET",
                                "127.0.0.1",
                                String.valueOf(masters.get(0).port()));
            }
            Wait.until(
                    "the cluster is well",
                    () -> masters.stream()
                            .allMatch(master -> master.tell("CLUSTER", "INFO").contains("cluster_state:ok")
                                    && master.tell("CLUSTER", "INFO").contains("cluster_slots_ok:" + SLOTS)));
        }

        @AfterEach
        void stop() {
            masters.forEach(RedisProcess::close);
        }

        private String url() {
            return masters.get(0).url() + ",127.0.0.1:" + masters.get(1).port();
        }

        private TestServer server() {
            // A machine that is busy with much else is no concern of these tests.
            return TestServer.startReady(url(), "REDIS_TOPOLOGY", "cluster", "REDIS_TIMEOUT_MILLIS", "10000");
        }

        /** The key of the copy that is written first: that in the first 64 slots. */
        private String firstCopy() {
            return IntStream.range(0, SLOTS)
                    .mapToObj(tag -> "store-identity:{" + tag + "}")
                    .filter(key -> Integer.parseInt(masters.get(0).tell("CLUSTER", "KEYSLOT", key)) < 64)
                    .findFirst()
                    .orElseThrow();
        }

        private RedisProcess masterOf(String key) {
            int slot = Integer.parseInt(masters.get(0).tell("CLUSTER", "KEYSLOT", "license:" + key));
            return masters.get((slot * 3 + 2) / SLOTS);
        }

        @Test
        void a_master_that_restarts_empty_is_refused_until_its_data_is_back() {
            try (TestServer server = server()) {
                HttpCalls calls = server.calls();
                String key = licenseOf(calls, "laptop");
                RedisProcess lost = masterOf(key);
                assertThat(masters).allMatch(master -> Integer.parseInt(master.ask("DBSIZE")) > 80);

                lost.kill();
                lost.startAgainEmpty();
                assertThatItIsRefused(calls, key, "laptop");
                assertThat(lost.ask("DBSIZE")).isEqualTo("0");

                lost.kill();
                lost.startAgainWithItsData();
                Wait.until(
                        "the license is valid",
                        () -> calls.validate(key, "laptop").equals(YES));
                assertThatAllIsWell(calls, key, "laptop");
            }
        }

        @Test
        void a_server_that_starts_finds_out_that_one_master_lost_its_data_unless_somebody_says_that_it_may() {
            String key;
            try (TestServer server = server()) {
                key = licenseOf(server.calls(), "laptop");
            }
            RedisProcess lost = masterOf(key);
            lost.kill();
            lost.startAgainEmpty();

            try (TestServer next = TestServer.start(url(), "REDIS_TOPOLOGY", "cluster")) {
                Wait.until(
                        "it has looked at Redis",
                        () -> !next.calls().get("/readyz").body().contains("Redis does not answer"));
                assertThatItIsRefused(next.calls(), key, "laptop");
            }
            for (RedisProcess master : masters) {
                master.ask("KEYS store-identity*")
                        .lines()
                        .filter(identity -> !identity.isEmpty())
                        .forEach(identity -> master.tell("DEL", identity));
            }
            try (TestServer next = server()) {
                licenseOf(next.calls(), "laptop");
                assertThat(masters).allMatch(master -> Integer.parseInt(master.ask("DBSIZE")) > 80);
            }
        }

        @Test
        void an_identity_that_was_only_begun_is_finished_by_the_next_write() {
            masters.get(0).tell("SET", firstCopy(), "draft:begun");
            try (TestServer server = server()) {
                String key = licenseOf(server.calls(), "laptop");

                assertThat(masters.get(0).tell("GET", firstCopy())).isEqualTo("begun");
                assertThat(masters).allMatch(master -> Integer.parseInt(master.ask("DBSIZE")) > 80);
                assertThatAllIsWell(server.calls(), key, "laptop");
            }
        }

        @Test
        void an_identity_that_was_begun_in_place_of_another_one_is_refused() {
            String key;
            try (TestServer server = server()) {
                key = licenseOf(server.calls(), "laptop");
            }
            masters.get(0).tell("SET", firstCopy(), "draft:begun");

            try (TestServer next = TestServer.start(url(), "REDIS_TOPOLOGY", "cluster")) {
                Wait.until(
                        "it has looked at Redis",
                        () -> !next.calls().get("/readyz").body().contains("Redis does not answer"));
                assertThatItIsRefused(next.calls(), key, "laptop");
            }
        }

        @Test
        void slots_that_move_take_their_copies_along() {
            try (TestServer server = server()) {
                HttpCalls calls = server.calls();
                String key = licenseOf(calls, "laptop");
                RedisProcess from = masterOf(key);
                RedisProcess to = masters.get((masters.indexOf(from) + 1) % 3);
                int slot = Integer.parseInt(from.tell("CLUSTER", "KEYSLOT", "license:" + key));
                // Far enough on both sides to move some copies.
                for (int i = Math.max(0, slot - 200); i < Math.min(SLOTS, slot + 200); i++) {
                    if (masters.get((i * 3 + 2) / SLOTS) == from) {
                        move(i, from, to);
                    }
                }
                int fromTo = Integer.parseInt(to.ask("DBSIZE"));
                assertThat(fromTo).isGreaterThan(86 + 2);

                for (int i = 0; i < 50; i++) {
                    Wait.until(
                            "the license is valid",
                            () -> calls.validate(key, "laptop").equals(YES));
                    assertThat(calls.get("/readyz").body()).doesNotContain("lost");
                }
                assertThatAllIsWell(calls, key, "laptop");
                try (TestServer next = server()) {
                    assertThatAllIsWell(next.calls(), key, "laptop");
                }
            }
        }

        private void move(int slot, RedisProcess from, RedisProcess to) {
            String number = String.valueOf(slot);
            to.tell("CLUSTER", "SETSLOT", number, "IMPORTING", from.tell("CLUSTER", "MYID"));
            from.tell("CLUSTER", "SETSLOT", number, "MIGRATING", to.tell("CLUSTER", "MYID"));
            from.tell("CLUSTER", "GETKEYSINSLOT", number, "100")
                    .lines()
                    .filter(key -> !key.isEmpty())
                    .forEach(key -> from.tell("MIGRATE", "127.0.0.1", String.valueOf(to.port()), key, "0", "1000"));
            for (RedisProcess told : List.of(to, from)) {
                told.tell("CLUSTER", "SETSLOT", number, "NODE", to.tell("CLUSTER", "MYID"));
            }
        }
    }

    @Nested
    class With_a_redis_of_its_own {
        @TempDir
        Path folder;

        private JarProcess start() {
            var settings = new HashMap<>(Map.of("HOST", "127.0.0.1", "PORT", "0", "ADMIN_SECRET", HttpCalls.SECRET));
            return JarProcess.start(folder, settings);
        }

        private String useOnce() {
            try (JarProcess server = start()) {
                var calls = new HttpCalls(server.port());
                Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
                return licenseOf(calls, "laptop");
            }
        }

        private void move(String from, String to) throws Exception {
            Files.move(folder.resolve(from), folder.resolve(to));
        }

        private void assertThatItDoesNotStart() {
            try (JarProcess server = start()) {
                assertThat(server.exitStatus()).isEqualTo(1);
                assertThat(server.output())
                        .filteredOn(line -> line.contains("lost its data"))
                        .singleElement()
                        .asString()
                        .contains(folder.resolve("data").toString(), "store-identity");
            }
        }

        private void assertThatItStarts(String key) {
            try (JarProcess server = start()) {
                var calls = new HttpCalls(server.port());
                assertThatAllIsWell(calls, key, "laptop");
            }
        }

        @Test
        void it_does_not_start_without_its_data_and_starts_when_that_is_back() throws Exception {
            String key = useOnce();
            move("data/redis", "data/kept");

            assertThatItDoesNotStart();

            try (Stream<Path> files = Files.walk(folder.resolve("data/redis"))) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
            move("data/kept", "data/redis");
            assertThatItStarts(key);
        }

        @Test
        void it_does_not_start_with_the_data_of_another_store() throws Exception {
            useOnce();
            move("data", "other");
            useOnce();
            move("data/redis", "data/kept");
            move("other/redis", "data/redis");

            assertThatItDoesNotStart();
        }

        @Test
        void a_folder_that_remembers_nothing_adopts_what_its_redis_has() throws Exception {
            String key = useOnce();
            String identity = Files.readString(folder.resolve("data/store-identity"));
            Files.delete(folder.resolve("data/store-identity"));

            assertThatItStarts(key);

            assertThat(folder.resolve("data/store-identity")).content().isEqualTo(identity);
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(folder.resolve("data/store-identity"))))
                    .isEqualTo("rw-------");
        }
    }
}
