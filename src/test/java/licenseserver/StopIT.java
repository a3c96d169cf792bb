package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stop at any moment, also while the program starts, is as orderly as one of a server that has run for long. */
class StopIT {
    private static final int MOMENTS = 22;

    /** The status that SIGTERM gives to a process that does not handle it. */
    private static final int TERMINATED = 143;

    @TempDir
    Path folder;

    private JarProcess start(Path working, int port) throws IOException {
        Files.createDirectories(working);
        return JarProcess.start(working, Map.of("HOST", "127.0.0.1", "PORT", String.valueOf(port)));
    }

    @Test
    void a_signal_at_any_moment_of_the_start_ends_it_in_order() throws Exception {
        long untilReady = nanosUntilReady();
        int graceful = 0;
        for (int moment = 0; moment < MOMENTS; moment++) {
            Path working = folder.resolve("start-" + moment);
            JarProcess server = start(working, 0);
            // When the signal comes is what this test is about; nothing is waited for.
            LockSupport.parkNanos(untilReady * moment / (MOMENTS - 4));

            server.terminate();

            int status = server.exitStatus();
            String said = String.join("\n", server.output());
            assertThat(said).as("moment %d", moment).doesNotContain("Exception", "\tat ", "cannot start");
            assertThat(server.output()).noneMatch(line -> line.contains("ERROR"));
            assertThat(processesIn(working)).as("moment %d: %s", moment, said).isEmpty();
            assertThat(working.resolve("data/redis-url")).doesNotExist();
            if (said.isEmpty()) {
                assertThat(status).isIn(0, TERMINATED);
            } else {
                assertThat(status).as("moment %d: %s", moment, said).isZero();
                assertThat(said).contains("Stopping").endsWith("Stopped");
                graceful++;
            }
        }
        assertThat(graceful).isGreaterThan(MOMENTS / 4);
    }

    private long nanosUntilReady() throws IOException {
        long begin = System.nanoTime();
        try (JarProcess server = start(folder.resolve("first"), 0)) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            return System.nanoTime() - begin;
        }
    }

    @Test
    void a_signal_to_the_whole_process_group_does_not_end_redis_before_its_server() throws Exception {
        // As setsid becomes java here, the process is the leader of a group of its own.
        try (JarProcess server = JarProcess.startInGroup(folder, Map.of("HOST", "127.0.0.1", "PORT", "0"));
                var begun = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            begun.setSoTimeout(20_000);
            int port = server.port();
            var calls = new HttpCalls(
                    port, Files.readString(folder.resolve("data/admin-secret")).strip());
            Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
            String body = HttpCalls.machine(calls.register("buyer@example.com"), "laptop")
                    .encode();
            begun.getOutputStream()
                    .write(("POST /activate HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n{")
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(calls.get("/livez").status()).isEqualTo(200);

            new ProcessBuilder("kill", "-TERM", "--", "-" + server.handle().pid())
                    .start()
                    .waitFor();
            Wait.until("nothing new is taken", () -> !Wait.accepts(port));
            begun.getOutputStream().write(body.substring(1).getBytes(StandardCharsets.US_ASCII));

            String answer = new String(begun.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 200").contains("\"premium\":true");
            assertThat(server.exitStatus()).isZero();
            assertThat(server.output()).noneMatch(line -> line.contains("ERROR"));
            assertThat(processesIn(folder)).isEmpty();
        }
    }

    @Test
    void a_call_that_was_begun_as_soon_as_the_port_was_open_is_answered() throws Exception {
        int port = RedisProcess.freePort();
        try (JarProcess server = start(folder, port);
                Socket begun = firstConnection(port)) {
            begun.setSoTimeout(20_000);
            begun.getOutputStream()
                    .write("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{"
                            .getBytes(StandardCharsets.US_ASCII));
            // Answered on another connection: so the half request was taken, too, or waits in line for that.
            assertThat(new HttpCalls(port).get("/livez").status()).isEqualTo(200);

            server.terminate();
            begun.getOutputStream().write('}');

            String answer = new String(begun.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(answer).startsWith("HTTP/1.1 200").endsWith("{\"success\":false,\"premium\":false}");
            assertThat(server.exitStatus()).isZero();
            assertThat(processesIn(folder)).isEmpty();
        }
    }

    private static Socket firstConnection(int port) {
        var connection = new Socket[1];
        Wait.until("the port is open", () -> {
            try {
                connection[0] = new Socket(InetAddress.getLoopbackAddress(), port);
                return true;
            } catch (IOException refused) {
                return false;
            }
        });
        return connection[0];
    }

    /** The processes that work in this folder or in one of its folders. */
    private static List<Path> processesIn(Path folder) throws IOException {
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            return processes
                    .filter(process -> {
                        try {
                            return process.resolve("cwd").toRealPath().startsWith(folder.toRealPath());
                        } catch (IOException ended) {
                            return false;
                        }
                    })
                    .toList();
        }
    }
}
