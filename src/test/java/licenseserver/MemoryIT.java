package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Everything that has a share of the heap uses it up at the same time, with the heap that the image has: the server
 * stays alive and answers.
 */
class MemoryIT {
    private static final int LICENSES = 20_000;
    private static final int MACHINES = 10;
    private static final String NOTES = "n".repeat(4_000);

    private static final int FLOOD = 2_500;
    private static final int SLOW_BODIES = 300;
    private static final int DEAF = 50;
    private static final int APPS = 4;

    /** All shares and what the program itself takes; with the near cache unbounded it is 47 MB. */
    private static final int MOST_KILOBYTES = 38 * 1024;

    /** Each call of a client who came later than all of these takes less. */
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
                threads.execute(flood);
                Wait.until("the flood is there", () -> flood.complete);
                try {
                    answers(server, port, threads, flood);
                } finally {
                    printMemory(server);
                }
            } finally {
                threads.shutdownNow();
            }
            server.terminate();
            assertThat(server.exitStatus()).isZero();
            assertThat(signs(redis)).isEqualTo(LICENSES * MACHINES);
        }
    }

    private static void answers(JarProcess server, int port, ExecutorService threads, Flood flood) throws Exception {
        var apps = new ArrayList<Future<Integer>>();
        for (int i = 0; i < APPS; i++) {
            apps.add(threads.submit(new App(port, i)));
        }
        var took = new ArrayList<Duration>();
        while (apps.stream().anyMatch(app -> !app.isDone())) {
            String key = key(took.size() % LICENSES);
            took.add(took(port, "/validate", HttpCalls.machine(key, machine(0))));
            took.add(took(port, "/license-info", new JsonObject().put("key", key)));
            took.add(took(port, "/register-license", new JsonObject().put("email", Concurrency.randomEmail())));
        }
        Collections.sort(took);
        Duration longest = took.get(took.size() - 1);
        int validated = 0;
        for (Future<Integer> app : apps) {
            validated += app.get();
        }
        System.out.printf(
                "%d machines seen; %d calls of newcomers, p99 %d ms, the longest %d ms; %d of the flood were closed%n",
                validated,
                took.size(),
                took.get(took.size() * 99 / 100).toMillis(),
                longest.toMillis(),
                flood.closed.get());

        assertThat(validated).isEqualTo(LICENSES * MACHINES);
        assertThat(kilobytesWithoutGarbage(server)).isLessThan(MOST_KILOBYTES);
        assertThat(longest).isLessThan(SOON);
        assertThat(server.output()).noneMatch(line -> line.contains("OutOfMemory"));
        assertThat(server.output())
                .filteredOn(line -> line.contains("connections are open"))
                .isNotEmpty();
        assertThat(server.output())
                .filteredOn(line -> line.contains("requests with a body got 503"))
                .isNotEmpty();
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

    /** How many machines have a sign of life. */
    private static int signs(RedisProcess redis) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), redis.port())) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
            int signs = 0;
            for (int i = 0; i < LICENSES; i++) {
                String command = "HLEN seen:{license:" + key(i) + "}\r\n";
                socket.getOutputStream().write(command.getBytes(StandardCharsets.US_ASCII));
                signs += Integer.parseInt(in.readLine().substring(1));
            }
            return signs;
        }
    }

    private static void printMemory(JarProcess server) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + server.handle().pid() + "/status"))) {
            if (line.startsWith("VmHWM") || line.startsWith("VmRSS")) {
                System.out.println(line);
            }
        }
        System.out.println("Heap as it is: " + jcmd(server, "GC.heap_info"));
        jcmd(server, "GC.run");
        System.out.println("Heap without garbage: " + jcmd(server, "GC.heap_info"));
        server.output().stream().filter(line -> !line.contains(" INFO ")).forEach(System.out::println);
    }

    private static int kilobytesWithoutGarbage(JarProcess server) throws IOException {
        jcmd(server, "GC.run");
        return Pattern.compile("(?:new generation|tenured generation) .* used (\\d+)K")
                .matcher(jcmd(server, "GC.heap_info"))
                .results()
                .mapToInt(used -> Integer.parseInt(used.group(1)))
                .sum();
    }

    private static String jcmd(JarProcess server, String command) throws IOException {
        Process jcmd = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                        String.valueOf(server.handle().pid()),
                        command)
                .redirectErrorStream(true)
                .start();
        return new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    /** How long it takes a client who connects now to get an answer. */
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

    /**
     * Clients of one address that hold all connections they can get: silent ones, trickling heads, large bodies that
     * trickle, and some that do not read their answers.
     */
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
                            socket = new Socket();
                            socket.setReceiveBufferSize(4096);
                            socket.bind(new InetSocketAddress("127.0.0.3", 0));
                            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
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
            } else if (number < FLOOD / 2 + DEAF) {
                bytes = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
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
