package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The packaged program: its start, its stop, and what a kill leaves. */
class ProgramIT {
    @TempDir
    Path folder;

    private JarProcess start(String... namesAndValues) {
        var settings = new HashMap<String, String>();
        settings.put("HOST", "127.0.0.1");
        settings.put("PORT", "0");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            settings.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return JarProcess.start(folder, settings);
    }

    private String secret() throws IOException {
        return Files.readString(folder.resolve("data/admin-secret")).strip();
    }

    private HttpCalls ready(JarProcess server) throws IOException {
        int port = server.port();
        var calls = new HttpCalls(port, secret());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        return calls;
    }

    @Nested
    class With_a_redis_of_its_own {
        @Test
        void keeps_everything_across_restarts_and_leaves_no_process() throws Exception {
            String key;
            List<ProcessHandle> children;
            try (JarProcess server = start()) {
                HttpCalls calls = ready(server);
                key = calls.register("buyer@example.com");
                assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);
                children = server.children();
                assertThat(children).hasSize(1);
                server.terminate();
                assertThat(server.exitStatus()).isZero();
                // Which Redis is used is up to the machine, and it may be one that is out of support.
                assertThat(server.output())
                        .filteredOn(line -> line.contains(" WARN ") && !line.contains("has had no security fixes"))
                        .singleElement()
                        .asString()
                        .contains("THE STORE IS NEW");
                assertThat(String.join("\n", server.output()))
                        .doesNotContain(secret(), key, "buyer@example.com", "ERROR")
                        .contains(
                                "No REDIS_URL is set: started",
                                "with its data in " + folder.resolve("data") + " (DATA_DIR)",
                                folder.resolve("data/admin-secret").toString());
            }
            assertThat(children).noneMatch(ProcessHandle::isAlive);
            String secret = secret();
            try (JarProcess server = start()) {
                HttpCalls calls = ready(server);
                assertThat(secret()).isEqualTo(secret);
                assertThat(calls.validate(key, "laptop").succeeded()).isTrue();
                assertThat(calls.register("buyer@example.com")).isEqualTo(key);
            }
        }

        @Test
        void keeps_its_secrets_to_its_user() throws Exception {
            try (JarProcess server = start()) {
                ready(server);
                for (String file : List.of("admin-secret", "history-secret", "redis-url")) {
                    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(
                                    folder.resolve("data").resolve(file))))
                            .isEqualTo("rw-------");
                }
                String redisUrl = Files.readString(folder.resolve("data/redis-url"));
                String password = redisUrl.substring("redis://:".length(), redisUrl.indexOf('@'));
                ProcessHandle.Info redis = server.children().get(0).info();
                assertThat(redis.commandLine().orElse("")
                                + Stream.of(redis.arguments().orElse(new String[0]))
                                        .toList())
                        .doesNotContain(password);
                assertThat(answerOf(server.embeddedRedisPort(), "GET x\r\n")).startsWith("-NOAUTH");
            }
        }

        @Test
        void starts_its_redis_again_when_that_ends() throws Exception {
            try (JarProcess server = start()) {
                HttpCalls calls = ready(server);
                String key = calls.register("buyer@example.com");
                ProcessHandle redis = server.children().get(0);

                redis.destroyForcibly();

                Wait.until(
                        "another Redis runs",
                        () -> server.children().stream().anyMatch(child -> child.pid() != redis.pid()));
                Wait.until(
                        "calls are answered",
                        () -> calls.activate(key, "laptop").status() == 200);
                assertThat(calls.license(key).getJsonArray("machines")).hasSize(1);
            }
        }

        @Test
        void loses_no_acknowledged_write_when_killed_under_load_and_takes_the_data_from_the_redis_left_behind()
                throws Exception {
            JarProcess killed = start();
            HttpCalls calls = ready(killed);
            Map<String, String> activated = underLoad(calls, killed::kill);

            assertThat(activated).isNotEmpty();
            try (JarProcess server = start()) {
                HttpCalls again = ready(server);
                assertThat(server.children()).hasSize(1);
                assertThatAllIsThere(again, activated);
            }
        }

        @Test
        void loses_no_acknowledged_write_when_its_redis_is_killed_under_load() throws Exception {
            try (JarProcess server = start()) {
                HttpCalls calls = ready(server);
                Map<String, String> activated =
                        underLoad(calls, () -> server.children().get(0).destroyForcibly());

                assertThat(activated).isNotEmpty();
                Wait.until(
                        "calls are answered",
                        () -> calls.validate("unknown", "m").status() == 200);
                assertThatAllIsThere(calls, activated);
            }
        }

        @Test
        void refuses_a_data_folder_that_another_server_uses() throws Exception {
            try (JarProcess first = start()) {
                first.port();
                JarProcess second = start();
                assertThat(second.exitStatus()).isEqualTo(1);
                assertThat(second.output()).last().asString().contains("in use by another license server");
            }
        }

        /** Clients register and activate until what the fault does is seen; returns key and machine of what was confirmed. */
        private Map<String, String> underLoad(HttpCalls calls, Runnable fault) throws Exception {
            var confirmed = new ConcurrentHashMap<String, String>();
            var failed = new AtomicBoolean();
            var clients = new ArrayList<Thread>();
            for (int i = 0; i < 8; i++) {
                var client = new Thread(() -> {
                    while (!failed.get()) {
                        try {
                            String key = calls.register(Concurrency.randomEmail());
                            if (calls.activate(key, "laptop").status() == 200) {
                                confirmed.put(key, "laptop");
                            }
                        } catch (RuntimeException refused) {
                            failed.set(true);
                        }
                    }
                });
                client.start();
                clients.add(client);
            }
            Wait.until("there is load", () -> confirmed.size() > 200);
            fault.run();
            for (Thread client : clients) {
                client.join(30_000);
                assertThat(client.isAlive()).isFalse();
            }
            return confirmed;
        }

        private void assertThatAllIsThere(HttpCalls calls, Map<String, String> activated) {
            activated.forEach((key, machine) -> {
                assertThat(calls.validate(key, machine).succeeded()).isTrue();
                assertThat(calls.license(key).getJsonArray("machines")).hasSize(1);
            });
        }
    }

    @Nested
    class Told_a_command {
        /** What it exits with and writes. */
        private record Run(int status, String output, String errors) {}

        private Run run(String... arguments) throws Exception {
            var command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString()));
            command.addAll(List.of("-jar", JarProcess.jar()));
            command.addAll(List.of(arguments));
            Path output = folder.resolve("output");
            Path errors = folder.resolve("errors");
            Process process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile())
                    .start();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            return new Run(process.exitValue(), Files.readString(output), Files.readString(errors));
        }

        @ParameterizedTest
        @ValueSource(strings = {"help", "--help", "-h"})
        void tells_its_commands_and_where_settings_and_documents_are(String command) throws Exception {
            Run run = run(command);

            assertThat(run.status()).isZero();
            assertThat(run.errors()).isEmpty();
            assertThat(run.output())
                    .startsWith("License Server " + Version.text() + "\n")
                    .contains("\n  check ", "\n  help ", "\n  version ")
                    .contains("conf/license-server.env", "CONFIG_FILE", "docs/settings.md", "README.md")
                    .endsWith("\n");
        }

        @ParameterizedTest
        @ValueSource(strings = {"version", "--version"})
        void tells_its_version(String command) throws Exception {
            assertThat(run(command)).isEqualTo(new Run(0, "License Server " + Version.text() + "\n", ""));
        }

        @Test
        void refuses_a_command_that_it_does_not_know_and_tells_those_that_there_are() throws Exception {
            for (String[] arguments : List.of(new String[] {"start"}, new String[] {"check", "--verbose"})) {
                Run run = run(arguments);

                assertThat(run.status()).isEqualTo(2);
                assertThat(run.output()).isEmpty();
                assertThat(run.errors().lines())
                        .singleElement()
                        .asString()
                        .contains("\"" + String.join(" ", arguments) + "\"", "check", "help", "version");
            }
        }

        @Test
        void tells_its_version_in_the_line_that_says_where_it_listens() {
            try (JarProcess server = start()) {
                int port = server.port();

                assertThat(server.output())
                        .anyMatch(line ->
                                line.endsWith("License server " + Version.text() + " listens on 127.0.0.1:" + port));
            }
        }
    }

    @Nested
    class That_cannot_start {
        @Test
        void says_which_setting_is_wrong() {
            try (JarProcess server = start("MAX_MACHINES", "many")) {
                assertThat(server.exitStatus()).isEqualTo(2);
                assertThat(server.output()).containsExactly("MAX_MACHINES is not a whole number from 1 to 10000.");
            }
        }

        @Test
        void asks_for_a_secret_where_redis_is_configured() {
            try (JarProcess server = start("REDIS_URL", "redis://:hidden@127.0.0.1:1")) {
                assertThat(server.exitStatus()).isEqualTo(2);
                assertThat(server.output()).singleElement().asString().startsWith("ADMIN_SECRET is not set");
            }
        }

        @Test
        void says_what_it_was_told_to_check() {
            try (JarProcess check = JarProcess.start(
                    folder,
                    Map.of("REDIS_URL", "redis://127.0.0.1:" + RedisProcess.freePort(), "ADMIN_SECRET", "x"),
                    List.of("-jar", JarProcess.jar(), "check"))) {
                assertThat(check.exitStatus()).isEqualTo(1);
                assertThat(check.output())
                        .anySatisfy(
                                line -> assertThat(line).startsWith("error ").contains("Redis refuses connections"));
            }
        }

        @Test
        void says_that_the_port_is_taken() throws Exception {
            try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                    JarProcess server = start(
                            "PORT",
                            String.valueOf(taken.getLocalPort()),
                            "REDIS_URL",
                            RedisForTests.url(),
                            "ADMIN_SECRET",
                            "x")) {
                assertThat(server.exitStatus()).isEqualTo(1);
                assertThat(server.output()).last().asString().contains("Port " + taken.getLocalPort());
            }
        }
    }

    @Nested
    class On_SIGTERM {
        @Test
        void finishes_what_has_begun_takes_nothing_new_and_ends_with_0() throws Exception {
            try (JarProcess server = start("REDIS_URL", RedisForTests.url(), "ADMIN_SECRET", HttpCalls.SECRET);
                    var begun = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                begun.setSoTimeout(20_000);
                var body = new JsonObject()
                        .put("key", "unknown")
                        .put("machineId", "m")
                        .encode();
                OutputStream out = begun.getOutputStream();
                out.write(("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n{")
                        .getBytes(StandardCharsets.US_ASCII));
                // Answered on another connection: so the half request was taken, too, or waits in line for that.
                assertThat(new HttpCalls(server.port()).get("/livez").status()).isEqualTo(200);

                server.terminate();
                int port = server.port();
                Wait.until("nothing new is taken", () -> !Wait.accepts(port));
                out.write(body.substring(1).getBytes(StandardCharsets.US_ASCII));

                String answer = new String(begun.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                assertThat(answer).startsWith("HTTP/1.1 200").endsWith("{\"success\":false,\"premium\":false}");
                assertThat(server.exitStatus()).isZero();
            }
        }

        @Test
        void ends_in_time_where_a_client_never_finishes() throws Exception {
            try (JarProcess server = start(
                            "REDIS_URL",
                            RedisForTests.url(),
                            "ADMIN_SECRET",
                            HttpCalls.SECRET,
                            "SHUTDOWN_TIMEOUT_SECONDS",
                            "2",
                            "BODY_TIMEOUT_SECONDS",
                            "60");
                    var begun = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
                begun.getOutputStream()
                        .write("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"
                                .getBytes(StandardCharsets.US_ASCII));
                assertThat(new HttpCalls(server.port()).get("/livez").status()).isEqualTo(200);

                long begin = System.nanoTime();
                server.terminate();

                assertThat(server.exitStatus()).isZero();
                assertThat(System.nanoTime() - begin).isLessThan(3_000_000_000L);
            }
        }
    }

    private static String answerOf(int port, String command) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(5000);
            socket.getOutputStream().write(command.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readNBytes(7), StandardCharsets.US_ASCII);
        }
    }
}
