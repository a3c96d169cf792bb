package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import licenseserver.HttpCalls.Answer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Backups are made and restored by the commands that docs/operations.md shows, and hold all that was confirmed
 * before.
 */
class BackupIT {
    private static final String PAGE = "docs/operations.md";
    private static final String DATE_ON_PAGE = "2026-11-24";
    private static final Answer YES = new Answer(200, "{\"success\":true,\"premium\":true}");

    @TempDir
    Path folder;

    private static String commands(String name) throws IOException {
        return DocumentsIT.block(PAGE, name);
    }

    /** Runs the commands in a POSIX shell, in this folder. */
    private void run(Path place, String commands) throws Exception {
        Path output = folder.resolve("output");
        Process shell = new ProcessBuilder("sh", "-euc", commands)
                .directory(place.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(shell.exitValue()).as(Files.readString(output)).isZero();
    }

    /** The only file in a folder whose name begins so. */
    private static Path only(Path place, String prefix) throws IOException {
        try (Stream<Path> files = Files.list(place)) {
            List<Path> found = files.filter(
                            file -> file.getFileName().toString().startsWith(prefix))
                    .toList();
            assertThat(found).hasSize(1);
            return found.get(0);
        }
    }

    private static String licenseWithMachine(HttpCalls calls) {
        String key = calls.register(Concurrency.randomEmail());
        assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);
        return key;
    }

    private static void isReady(HttpCalls calls) {
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
    }

    @Nested
    class Of_the_data_folder {
        private JarProcess start(String data) {
            return JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0", "DATA_DIR", data));
        }

        private HttpCalls ready(JarProcess server, String data) throws IOException {
            int port = server.port();
            var calls = new HttpCalls(
                    port,
                    Files.readString(folder.resolve(data).resolve("admin-secret"))
                            .strip());
            isReady(calls);
            return calls;
        }

        /** Makes the copy and names it as the page does. */
        private void backUp() throws Exception {
            run(folder, commands("backup: data folder"));
            Files.move(only(folder, "backup-"), folder.resolve("backup-" + DATE_ON_PAGE));
        }

        @Test
        void made_under_load_it_holds_all_that_was_confirmed_before_and_the_server_goes_on() throws Exception {
            var confirmed = new ConcurrentHashMap<String, String>();
            var failures = new ConcurrentLinkedQueue<Answer>();
            var done = new AtomicBoolean();
            var clients = new ArrayList<Thread>();
            try (JarProcess server = start("data")) {
                HttpCalls calls = ready(server, "data");
                for (int i = 0; i < 4; i++) {
                    var client = new Thread(() -> {
                        while (!done.get()) {
                            String key = calls.register(Concurrency.randomEmail());
                            Answer answer = calls.activate(key, "laptop");
                            if (answer.status() == 200) {
                                confirmed.put(key, "laptop");
                            } else {
                                failures.add(answer);
                            }
                        }
                    });
                    client.start();
                    clients.add(client);
                }
                Wait.until("there is load", () -> confirmed.size() > 200);
                var before = new HashMap<>(confirmed);
                backUp();
                int after = confirmed.size();
                Wait.until("the server goes on", () -> confirmed.size() > after + 100);

                String trial = commands("try: data folder")
                        .replaceAll("(?s).*DATA_DIR=(\\S+) PORT=8081 java -jar license-server.jar\\s*", "$1");
                try (JarProcess tried = start(trial)) {
                    HttpCalls copy = ready(tried, trial);
                    assertThat(before).allSatisfy((key, machine) -> {
                        assertThat(copy.validate(key, machine)).isEqualTo(YES);
                        assertThat(copy.license(key).getJsonArray("machines")).hasSize(1);
                    });
                }
                int tried = confirmed.size();
                Wait.until("the server goes on", () -> confirmed.size() > tried + 100);
                done.set(true);
                for (Thread client : clients) {
                    client.join(30_000);
                }
                assertThat(failures).isEmpty();
            } finally {
                done.set(true);
            }
        }

        @Test
        void restored_it_replaces_the_folder_of_the_stopped_server() throws Exception {
            String kept;
            String late;
            try (JarProcess server = start("data")) {
                HttpCalls calls = ready(server, "data");
                kept = licenseWithMachine(calls);
                backUp();
                late = licenseWithMachine(calls);
            }

            run(folder, commands("restore: data folder"));

            try (JarProcess server = start("data")) {
                HttpCalls calls = ready(server, "data");
                assertThat(calls.validate(kept, "laptop")).isEqualTo(YES);
                assertThat(calls.validate(late, "laptop").succeeded()).isFalse();
                assertThat(calls.activate(kept, "desktop").status()).isEqualTo(200);
            }
        }
    }

    @Nested
    class Of_a_shared_redis {
        private void fetchSnapshot(RedisProcess redis) throws Exception {
            assumeThat(Stream.of(System.getenv("PATH").split(":")).map(place -> Path.of(place, "redis-cli")))
                    .as("redis-cli is installed")
                    .anyMatch(Files::isExecutable);
            run(folder, commands("backup: snapshot").replace("redis://:password@redis.internal:6379", redis.url()));
            Files.move(only(folder, "licenses-"), folder.resolve("licenses-" + DATE_ON_PAGE + ".rdb"));
        }

        private void saveSnapshot(RedisProcess redis) throws Exception {
            redis.ask("BGSAVE");
            Wait.until(
                    "the snapshot is written",
                    () -> redis.ask("INFO persistence").contains("rdb_bgsave_in_progress:0"));
            Files.copy(redis.folder().resolve("dump.rdb"), folder.resolve("licenses-" + DATE_ON_PAGE + ".rdb"));
        }

        private void copyAppendOnlyFile(RedisProcess redis) throws Exception {
            run(redis.folder(), commands("backup: append-only file").replace("/backups", folder.toString()));
            Files.move(only(folder, "redis-"), folder.resolve("redis-" + DATE_ON_PAGE));
        }

        /** Restores the backup into this Redis, which is stopped. */
        private void restore(RedisProcess redis, String what) throws Exception {
            run(redis.folder(), commands("restore: " + what).replace("/backups", folder.toString()));
        }

        /** What makes the backup. */
        private interface BackUp {
            void of(RedisProcess redis) throws Exception;
        }

        private void isTakenByServersThatRunAndBySomeNewOne(BackUp backUp, String what) throws Exception {
            try (RedisProcess redis = RedisProcess.start();
                    RedisProcess fresh = RedisProcess.start();
                    TestServer server = TestServer.startReady(redis.url())) {
                HttpCalls calls = server.calls();
                String kept = licenseWithMachine(calls);
                backUp.of(redis);
                String late = licenseWithMachine(calls);

                fresh.shutDown();
                restore(fresh, what);
                fresh.startAgain();
                try (TestServer other = TestServer.startReady(fresh.url())) {
                    holds(other.calls(), kept, late);
                }

                redis.kill();
                restore(redis, what);
                redis.startAgain();
                isReady(calls);
                holds(calls, kept, late);
                // What is written from now on is there after a restart of Redis, as ever.
                redis.kill();
                redis.startAgain();
                isReady(calls);
                assertThat(calls.validate(kept, "desktop")).isEqualTo(YES);
            }
        }

        private void holds(HttpCalls calls, String kept, String late) {
            assertThat(calls.validate(kept, "laptop")).isEqualTo(YES);
            assertThat(calls.license(kept).getJsonArray("machines")).hasSize(1);
            assertThat(calls.validate(late, "laptop").succeeded()).isFalse();
            assertThat(calls.activate(kept, "desktop").status()).isEqualTo(200);
        }

        @Test
        void a_fetched_snapshot_is_taken_by_servers_that_run_and_by_new_ones() throws Exception {
            isTakenByServersThatRunAndBySomeNewOne(this::fetchSnapshot, "snapshot");
        }

        @Test
        void a_saved_snapshot_is_taken_by_servers_that_run_and_by_new_ones() throws Exception {
            isTakenByServersThatRunAndBySomeNewOne(this::saveSnapshot, "snapshot");
        }

        @Test
        void an_append_only_file_is_taken_by_servers_that_run_and_by_new_ones() throws Exception {
            isTakenByServersThatRunAndBySomeNewOne(this::copyAppendOnlyFile, "append-only file");
        }

        @Test
        void a_server_that_began_a_new_store_meanwhile_takes_it_after_a_restart() throws Exception {
            try (RedisProcess redis = RedisProcess.start()) {
                String kept;
                try (TestServer server = TestServer.startReady(redis.url())) {
                    kept = licenseWithMachine(server.calls());
                    saveSnapshot(redis);
                }
                redis.kill();
                redis.startAgainEmpty();
                try (TestServer server = TestServer.startReady(redis.url())) {
                    licenseWithMachine(server.calls());
                    redis.kill();
                    restore(redis, "snapshot");
                    redis.startAgain();
                    Wait.until(
                            "the server says that data is lost",
                            () -> server.calls().get("/readyz").body().contains("lost its data"));
                    assertThat(server.calls().validate(kept, "laptop").status()).isEqualTo(503);
                }
                try (TestServer restarted = TestServer.startReady(redis.url())) {
                    assertThat(restarted.calls().validate(kept, "laptop")).isEqualTo(YES);
                }
            }
        }
    }
}
