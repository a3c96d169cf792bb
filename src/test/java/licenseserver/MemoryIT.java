package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that has a share of the heap uses it up at the same time, with the heap that the image has: the server stays alive and
 * answers.
 */
class MemoryIT {
    private static final int LICENSES = 20_000;
    private static final int MACHINES = 10;
    private static final String NOTES = "n".repeat(4_000);

    private static final int FLOOD = 2_500;
    private static final int SLOW_BODIES = 300;
    private static final int APPS = 4;

    /** From a client that came later than all of these, on a machine that does other things, too. */
    private static final Duration SOON = Duration.ofSeconds(5);

    @TempDir
    Path folder;

    @Test
    void with_everything_full_at_once_it_answers() throws Exception {
        try (RedisProcess redis = RedisProcess.start("--appendonly", "no");
                JarProcess server = JarProcess.start(
                        folder,
                        Map.of(
                                "HOST",
                                "127.0.0.1",
                                "PORT",
                                "0",
                                "REDIS_URL",
                                redis.url(),
                                "NEAR_CACHE",
                                "true",
                                "ADMIN_SECRET",
                                HttpCalls.SECRET),
                        List.of(
                                "-Xmx64m",
                                "-XX:+UseSerialGC",
                                "-XX:+ExitOnOutOfMemoryError",
                                "-jar",
                                JarProcess.jar()))) {
            fill(redis);
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            var threads = Executors.newFixedThreadPool(APPS + 1);
            try (var flood = new Flood(port)) {
                Future<?> flooding = threads.submit(flood);
                Wait.until("the flood is there", () -> flood.complete);
                var apps = new ArrayList<Future<Integer>>();
                for (int i = 0; i < APPS; i++) {
                    apps.add(threads.submit(new App(port, i)));
                }
                Duration longest = Duration.ZERO;
                int calls = 0;
                while (apps.stream().anyMatch(app -> !app.isDone())) {
                    String key = key(calls % LICENSES);
                    longest = longer(longest, took(port, "/validate", HttpCalls.machine(key, machine(0))));
                    longest = longer(longest, took(port, "/license-info", new JsonObject().put("key", key)));
                    longest = longer(
                            longest,
                            took(port, "/register-license", new JsonObject().put("email", Concurrency.randomEmail())));
                    calls += 3;
                }
                int validated = 0;
                for (Future<Integer> app : apps) {
                    validated += app.get();
                }
                System.out.printf(
                        "%d machines seen; %d calls of a newcomer meanwhile, the longest took %d ms; %d of the flood were closed%n",
                        validated, calls, longest.toMillis(), flood.closed.get());
                printMemory(server);
                flooding.cancel(true);

                assertThat(validated).isEqualTo(LICENSES * MACHINES);
                assertThat(longest).isLessThan(SOON);
                assertThat(server.output()).noneMatch(line -> line.contains("OutOfMemory"));
                assertThat(server.output())
                        .filteredOn(line -> line.contains("connections are open"))
                        .isNotEmpty();
                assertThat(server.output())
                        .filteredOn(line -> line.contains("requests with a body got 503"))
                        .isNotEmpty();
            } finally {
                threads.shutdownNow();
            }
            server.terminate();
            assertThat(server.exitStatus()).isZero();
        }
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private static String key(int number) {
        String digits = "%08d".formatted(number).replace('0', 'A').replace('1', 'B');
        return "KKKK-KKKK-" + digits.substring(0, 4) + "-" + digits.substring(4);
    }

    private static String machine(int number) {
        return "0123456789abcdef0123456789abcd-" + number;
    }

    /** Licenses with long notes, all on machines that were not seen for long. */
    private static void fill(RedisProcess redis) throws IOException {
        var machines = new StringBuilder();
        for (int i = 0; i < MACHINES; i++) {
            machines.append(i == 0 ? "" : ",")
                    .append("{\"machineId\":\"")
                    .append(machine(i))
                    .append("\",\"activatedAt\":1719000000000}");
        }
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), redis.port())) {
            var out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
            var in = new BufferedInputStream(socket.getInputStream());
            for (int i = 0; i < LICENSES; i++) {
                String record = "{\"key\":\"" + key(i) + "\",\"email\":\"c" + i
                        + "@example.com\",\"createdAt\":1719000000000,\"maxMachines\":" + MACHINES
                        + ",\"disabled\":false,\"machines\":[" + machines + "],\"notes\":\"" + NOTES + "\"}";
                String name = "license:" + key(i);
                String command = "*3\r\n$3\r\nSET\r\n$" + name.length() + "\r\n" + name + "\r\n$" + record.length()
                        + "\r\n" + record + "\r\n";
                out.write(command.getBytes(StandardCharsets.US_ASCII));
                if (i % 100 == 99) {
                    out.flush();
                    in.readNBytes(100 * "+OK\r\n".length());
                }
            }
        }
    }

    private static void printMemory(JarProcess server) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + server.handle().pid() + "/status"))) {
            if (line.startsWith("VmHWM") || line.startsWith("VmRSS")) {
                System.out.println(line);
            }
        }
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        String.valueOf(server.handle().pid()),
                        "GC.heap_info")
                .redirectErrorStream(true)
                .start();
        System.out.println(new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
        server.output().stream().filter(line -> line.contains("share")).forEach(System.out::println);
    }

    /** How long an answer took that a client gets who connects now. */
    private static Duration took(int port, String path, JsonObject body) throws IOException {
        long begin = System.nanoTime();
        try (var socket = new Socket("127.0.0.1", port, InetAddress.getByName("127.0.0.2"), 0)) {
            socket.setSoTimeout(30_000);
            String answer = ask(socket, new BufferedInputStream(socket.getInputStream()), path, body);
            assertThat(answer).as(path).startsWith("HTTP/1.1 200 ").contains("\"success\":true");
        }
        return Duration.ofNanos(System.nanoTime() - begin);
    }

    private static String ask(Socket socket, InputStream in, String path, JsonObject body) throws IOException {
        String request = "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + HttpCalls.SECRET
                + "\r\nContent-Length: " + body.encode().length() + "\r\n\r\n" + body.encode();
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        var head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("closed after " + head);
            }
            head.append((char) next);
        }
        int length = Integer.parseInt(head.toString().replaceAll("(?s).*content-length: ([0-9]+).*", "$1"));
        return head + new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    /** Validates its part of all machines, one after the other, on one connection as long as that is open. */
    private record App(int port, int number) implements Callable<Integer> {
        @Override
        public Integer call() throws IOException {
            int validated = 0;
            Socket socket = null;
            InputStream in = InputStream.nullInputStream();
            for (int license = number; license < LICENSES; license += APPS) {
                for (int machine = 0; machine < MACHINES; machine++) {
                    JsonObject body = HttpCalls.machine(key(license), machine(machine));
                    String answer = "";
                    for (int attempt = 0; attempt < 3 && answer.isEmpty(); attempt++) {
                        try {
                            if (socket == null) {
                                socket = new Socket("127.0.0.1", port, InetAddress.getByName("127.0.0.4"), 0);
                                socket.setSoTimeout(30_000);
                                in = new BufferedInputStream(socket.getInputStream());
                            }
                            answer = ask(socket, in, "/validate", body);
                        } catch (IOException closed) {
                            socket = null;
                        }
                    }
                    assertThat(answer).endsWith("{\"success\":true,\"premium\":true}");
                    validated++;
                }
            }
            return validated;
        }
    }

    /** Clients of one address that hold all connections they can get: silent ones, trickling heads, and large bodies that trickle. */
    private static final class Flood implements Runnable, AutoCloseable {
        private final int port;
        private final @Nullable Socket[] sockets = new Socket[FLOOD];
        private volatile boolean complete;
        private volatile boolean closing;
        private final AtomicInteger closed = new AtomicInteger();

        Flood(int port) {
            this.port = port;
        }

        @Override
        public void run() {
            while (!closing) {
                for (int i = 0; i < FLOOD && !closing; i++) {
                    try {
                        Socket socket = sockets[i];
                        if (socket == null) {
                            socket = new Socket("127.0.0.1", port, InetAddress.getByName("127.0.0.3"), 0);
                            sockets[i] = socket;
                            begin(socket, i);
                        } else if (i < FLOOD / 2 || i < SLOW_BODIES) {
                            socket.getOutputStream().write('x');
                        }
                    } catch (IOException ended) {
                        sockets[i] = null;
                        closed.incrementAndGet();
                    }
                }
                complete = true;
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            }
        }

        private static void begin(Socket socket, int number) throws IOException {
            String bytes = "";
            if (number < SLOW_BODIES) {
                bytes = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16384\r\n\r\n{\"notes\":\""
                        + "x".repeat(14_000);
            } else if (number < FLOOD / 2) {
                bytes = "POST /validate HTTP/1.1\r\nHost: localhost\r\n" + "a:b\r\n".repeat(number % 50) + "x: ";
            }
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
        }

        @Override
        public void close() throws IOException {
            closing = true;
            for (Socket socket : sockets) {
                if (socket != null) {
                    socket.close();
                }
            }
        }
    }
}
