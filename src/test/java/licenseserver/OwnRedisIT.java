package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Redis of a server that has none configured, and the folder it works in. */
class OwnRedisIT {
    @TempDir
    Path folder;

    private Path data() {
        return folder.resolve("data");
    }

    private JarProcess start(Path data) {
        return JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0", "DATA_DIR", data.toString()));
    }

    private static HttpCalls ready(JarProcess server, Path data) throws IOException {
        int port = server.port();
        var calls = new HttpCalls(
                port, Files.readString(data.resolve("admin-secret")).strip());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        return calls;
    }

    private static ProcessHandle redisOf(JarProcess server) {
        return server.children().get(0);
    }

    private static void run(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    @Test
    void a_copy_of_the_folder_can_be_tried_out_while_its_server_goes_on() throws Exception {
        Path copy = folder.resolve("copy");
        try (JarProcess server = start(data())) {
            HttpCalls calls = ready(server, data());
            String key = calls.register("buyer@example.com");
            ProcessHandle redis = redisOf(server);
            run("cp", "-a", data().toString(), copy.toString());

            try (JarProcess trial = start(copy)) {
                HttpCalls tried = ready(trial, copy);

                assertThat(redis.isAlive()).isTrue();
                assertThat(tried.activate(key, "laptop").status()).isEqualTo(200);
                assertThat(calls.activate(key, "desktop").status()).isEqualTo(200);
                assertThat(calls.license(key).getJsonArray("machines")).hasSize(1);
            }
            assertThat(server.output()).noneMatch(line -> line.contains("ended by itself"));
        }
    }

    @Test
    void a_copy_in_the_place_of_a_folder_that_was_moved_leaves_the_moved_one_alone() throws Exception {
        Path moved = folder.resolve("moved");
        try (JarProcess server = start(data())) {
            ready(server, data());
            ProcessHandle redis = redisOf(server);
            run("mv", data().toString(), moved.toString());
            run("cp", "-a", moved.toString(), data().toString());

            try (JarProcess trial = start(data())) {
                ready(trial, data());
                assertThat(redis.isAlive()).isTrue();
            }
        }
    }

    @Test
    void a_redis_that_a_killed_server_left_behind_is_ended_also_if_the_folder_was_moved_since() throws Exception {
        JarProcess killed = start(data());
        String key = ready(killed, data()).register("buyer@example.com");
        int orphan = killed.embeddedRedisPort();
        killed.kill();
        assertThat(Wait.accepts(orphan)).isTrue();

        JarProcess killedAgain = start(data());
        ready(killedAgain, data());
        assertThat(Wait.accepts(orphan)).isFalse();
        int nextOrphan = killedAgain.embeddedRedisPort();
        killedAgain.kill();

        Path moved = folder.resolve("moved");
        run("mv", data().toString(), moved.toString());
        try (JarProcess server = start(moved)) {
            HttpCalls calls = ready(server, moved);
            assertThat(Wait.accepts(nextOrphan)).isFalse();
            assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);
        }
    }

    @Test
    void nobody_else_can_read_the_folder_or_anything_in_it() throws Exception {
        Files.createDirectories(data().resolve("redis"));
        Files.writeString(data().resolve("redis/left-by-an-earlier-version"), "");
        run("chmod", "-R", "a+rX", data().toString());
        try (JarProcess server = start(data())) {
            ready(server, data()).register("buyer@example.com");

            assertThat(permissions(data()))
                    .allSatisfy((file, permissions) ->
                            assertThat(permissions).as(file.toString()).endsWith("------"));
            assertThat(permissions(data())).hasSizeGreaterThan(5);
        }
    }

    @Test
    void a_folder_that_others_need_keeps_its_permissions_and_what_redis_writes_in_it_is_private() throws Exception {
        run("chmod", "755", folder.toString());
        try (JarProcess server = start(folder)) {
            ready(server, folder).register("buyer@example.com");

            assertThat(permissions(folder).get(folder)).isEqualTo("rwxr-xr-x");
            assertThat(permissions(folder.resolve("redis")).values())
                    .allSatisfy(permissions -> assertThat(permissions).endsWith("------"));
        }
    }

    @Test
    void histories_are_signed_with_a_secret_that_is_made_once_and_is_not_in_redis() throws Exception {
        Path secretFile = data().resolve("history-secret");
        String key;
        String secret;
        try (JarProcess server = start(data())) {
            HttpCalls calls = ready(server, data());
            key = calls.register("buyer@example.com");
            assertThat(history(calls, key)).startsWith("{\"success\":true,\"whole\":true,\"unverified\":0,");
            secret = Files.readString(secretFile);
        }
        try (JarProcess server = start(data())) {
            HttpCalls calls = ready(server, data());
            assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);

            assertThat(Files.readString(secretFile)).isEqualTo(secret);
            assertThat(history(calls, key)).startsWith("{\"success\":true,\"whole\":true,\"unverified\":0,");
        }
        assertThat(secret.strip()).hasSize(32);
        assertThat(textOf(data().resolve("redis")))
                .contains("buyer@example.com")
                .doesNotContain(secret.strip());

        Files.delete(secretFile);
        try (JarProcess server = start(data())) {
            assertThat(history(ready(server, data()), key))
                    .startsWith("{\"success\":true,\"whole\":true,\"unverified\":2,");
        }
    }

    private static String history(HttpCalls calls, String key) {
        return calls.post("/license-history", new JsonObject().put("key", key)).body();
    }

    private static String textOf(Path folder) throws IOException {
        var text = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                text.append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return text.toString();
    }

    private static Map<Path, String> permissions(Path folder) throws IOException {
        var permissions = new HashMap<Path, String>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                permissions.put(file, PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
            }
        }
        return permissions;
    }

    @Test
    void redis_is_started_again_until_it_runs_and_the_operator_is_told_once() throws Exception {
        try (JarProcess server = start(data())) {
            HttpCalls calls = ready(server, data());
            String key = calls.register("buyer@example.com");
            Path aside = folder.resolve("aside");
            Files.move(data().resolve("redis"), aside);

            redisOf(server).destroyForcibly();
            Wait.until("the first attempt has failed", () -> lines(server, "cannot be started again") == 1);
            awaitAttempt();
            awaitAttempt();
            Wait.until(
                    "the server says that it is not ready",
                    () -> calls.get("/readyz").status() == 503);
            Files.move(aside, data().resolve("redis"));
            Wait.until("calls are answered", () -> calls.activate(key, "laptop").status() == 200);

            assertThat(lines(server, "ended by itself")).isEqualTo(1);
            assertThat(lines(server, "cannot be started again")).isEqualTo(1);
            assertThat(lines(server, "runs again")).isEqualTo(1);
        }
    }

    /** Each attempt to start Redis writes this file anew. */
    private void awaitAttempt() throws IOException {
        FileTime before = Files.getLastModifiedTime(data().resolve("redis-url"));
        Wait.until("it is tried again", () -> {
            try {
                return Files.getLastModifiedTime(data().resolve("redis-url")).compareTo(before) > 0;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static long lines(JarProcess server, String text) {
        return server.output().stream().filter(line -> line.contains(text)).count();
    }
}
