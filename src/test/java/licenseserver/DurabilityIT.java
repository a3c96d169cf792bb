package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A change that was answered with success is on the disk: seen in what the embedded Redis asks of the operating system. */
class DurabilityIT {
    private static final int CHANGES = 20;
    private static final Pattern WRITE_TO_FILE = Pattern.compile("\\bwritev?\\(\\d+<[^>]*appendonly.*");
    private static final Pattern SYNC_DONE = Pattern.compile(".*\\bf(data)?sync(\\(| resumed).*= 0$");
    private static final Pattern WRITE_TO_CLIENT = Pattern.compile("\\bwritev?\\(\\d+<(socket|TCP).*");

    @TempDir
    private Path folder;

    @Test
    void every_change_is_on_disk_before_it_is_answered() throws Exception {
        try (JarProcess server = startServer()) {
            Changes changes = changesWatched(server);
            assertThat(changes.written()).isGreaterThanOrEqualTo(CHANGES);
            assertThat(changes.answeredBeforeOnDisk()).isZero();
        }
    }

    /** The proof of the test above: it tells the difference. */
    @Test
    void with_everysec_a_change_is_answered_before_it_is_on_disk() throws Exception {
        try (JarProcess server = startServer()) {
            setEverysec();
            Changes changes = changesWatched(server);
            assertThat(changes.written()).isGreaterThanOrEqualTo(CHANGES);
            assertThat(changes.answeredBeforeOnDisk()).isPositive();
        }
    }

    /**
     * What was seen of some changes.
     *
     * @param written how often Redis wrote changes to its file
     * @param answeredBeforeOnDisk after how many of these it wrote to a client before the file was on the disk
     */
    private record Changes(int written, int answeredBeforeOnDisk) {
        static Changes in(List<String> trace) {
            int written = 0;
            boolean isOnDisk = true;
            Set<Integer> answeredBefore = new HashSet<>();
            for (String line : trace) {
                if (WRITE_TO_FILE.matcher(line).find()) {
                    written++;
                    isOnDisk = false;
                } else if (SYNC_DONE.matcher(line).matches()) {
                    isOnDisk = true;
                } else if (!isOnDisk && WRITE_TO_CLIENT.matcher(line).find()) {
                    answeredBefore.add(written);
                }
            }
            return new Changes(written, answeredBefore.size());
        }
    }

    private JarProcess startServer() {
        return JarProcess.start(
                folder, Map.of("PORT", "0", "HOST", "127.0.0.1", "ADMIN_SECRET", HttpCalls.SECRET, "DATA_DIR", "data"));
    }

    private Changes changesWatched(JarProcess server) throws Exception {
        var calls = new HttpCalls(server.port());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        String key = calls.register(Concurrency.randomEmail());
        Path trace = folder.resolve("trace");
        Process strace = watch(server.children().get(0).pid(), trace);
        try {
            for (int i = 0; i < CHANGES; i += 2) {
                assertThat(calls.activate(key, "machine").status()).isEqualTo(200);
                assertThat(calls.deactivate(key, "machine").status()).isEqualTo(200);
            }
        } finally {
            // Then it lets go of Redis and writes down all that it saw.
            strace.destroy();
            assertThat(strace.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        return Changes.in(Files.readAllLines(trace, StandardCharsets.ISO_8859_1));
    }

    /** Returns when every system call that counts is written down. */
    private Process watch(long pid, Path trace) throws IOException {
        Path said = folder.resolve("strace-said");
        Process strace;
        try {
            strace = new ProcessBuilder(
                            "strace",
                            "-f",
                            "-y",
                            "-o",
                            trace.toString(),
                            "-e",
                            "trace=write,writev,fsync,fdatasync",
                            "-p",
                            String.valueOf(pid))
                    .redirectErrorStream(true)
                    .redirectOutput(said.toFile())
                    .start();
        } catch (IOException absent) {
            assumeTrue(false, "There is no strace on the PATH to see what Redis writes when.");
            throw absent;
        }
        Runtime.getRuntime().addShutdownHook(new Thread(strace::destroyForcibly));
        // It says so when it is attached to all threads that there are.
        Wait.until("strace is attached", () -> !strace.isAlive() || !read(said).isEmpty());
        assumeTrue(
                strace.isAlive() && read(said).contains("attached"), () -> "strace cannot watch here: " + read(said));
        return strace;
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void setEverysec() throws IOException {
        Path urlFile = folder.resolve("data").resolve("redis-url");
        Wait.until(
                "Redis can be reached",
                () -> Files.exists(urlFile) && Wait.accepts(url(urlFile).getPort()));
        URI url = url(urlFile);
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), url.getPort())) {
            socket.setSoTimeout(5000);
            String commands =
                    "AUTH " + url.getUserInfo().substring(1) + "\r\nCONFIG SET appendfsync everysec\r\nQUIT\r\n";
            socket.getOutputStream().write(commands.getBytes(StandardCharsets.US_ASCII));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .isEqualTo("+OK\r\n+OK\r\n+OK\r\n");
        }
    }

    private static URI url(Path file) {
        return URI.create(read(file).strip());
    }
}
