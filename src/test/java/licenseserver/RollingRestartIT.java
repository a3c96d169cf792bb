package licenseserver;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Servers behind HAProxy, as {@code conf/haproxy.cfg} sets it up, replaced one after another while calls come in. */
class RollingRestartIT {
    private static final int SERVERS = 3;
    private static final long CALL_EVERY_MILLIS = 2;

    @TempDir
    Path folder;

    private final Vertx vertx = Vertx.vertx();
    private final HttpClient client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(100));
    private final List<JarProcess> servers = new ArrayList<>();
    private @Nullable LoadBalancer loadBalancer;

    @AfterEach
    void stop() {
        await(vertx.close());
        if (loadBalancer != null) {
            loadBalancer.close();
        }
        servers.forEach(JarProcess::close);
    }

    @Test
    void no_call_fails() throws Exception {
        assumeTrue(LoadBalancer.isInstalled(), "haproxy is not on the PATH (apt-get install haproxy)");
        var ports = new ArrayList<Integer>();
        for (int i = 0; i < SERVERS; i++) {
            servers.add(startServer(0));
            ports.add(servers.get(i).port());
        }
        for (int port : ports) {
            awaitReady(port);
        }
        LoadBalancer haproxy = LoadBalancer.start(folder, ports);
        loadBalancer = haproxy;
        var calls = new HttpCalls(haproxy.port);
        String key = calls.register(Concurrency.randomEmail());
        assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);
        var replaced = new ArrayList<JarProcess>();
        var load = new Load(haproxy.port, key);

        long timer = vertx.setPeriodic(CALL_EVERY_MILLIS, tick -> load.call());
        for (int i = 0; i < SERVERS; i++) {
            String name = "license-server-" + (i + 1);
            servers.get(i).terminate();
            assertThat(servers.get(i).exitStatus()).isZero();
            haproxy.awaitLine(name + " is DOWN");
            replaced.add(servers.get(i));
            servers.set(i, startServer(ports.get(i)));
            haproxy.awaitLine(name + " is UP");
        }
        vertx.cancelTimer(timer);
        Wait.until("all calls are answered", () -> load.open.get() == 0);

        String said = Stream.concat(replaced.stream(), servers.stream())
                .flatMap(server -> server.output().stream())
                .filter(line -> line.contains(" WARN "))
                .toList()
                .toString();
        assertThat(load.failures).as(said).isEmpty();
        assertThat(load.answered.get()).isGreaterThan(1000);
    }

    /** HAProxy takes a server out after two failed checks, one per second; the calls go on for longer than that. */
    @Test
    void known_machines_go_on_while_redis_is_away() throws Exception {
        assumeTrue(LoadBalancer.isInstalled(), "haproxy is not on the PATH (apt-get install haproxy)");
        try (RedisProcess redis = RedisProcess.start()) {
            var ports = new ArrayList<Integer>();
            for (int i = 0; i < 2; i++) {
                servers.add(
                        startServer(0, redis.url(), Map.of("NEAR_CACHE", "true", "VALIDATE_STALE_SECONDS", "3600")));
                ports.add(servers.get(i).port());
            }
            // Before HAProxy looks at them: it would say that one is down which is only starting.
            ports.forEach(RollingRestartIT::awaitReady);
            LoadBalancer haproxy = LoadBalancer.start(folder, ports);
            loadBalancer = haproxy;
            var calls = new HttpCalls(haproxy.port);
            Wait.until(
                    "HAProxy has a server",
                    () -> calls.validate("unknown", "laptop").status() == 200);
            String key = calls.register(Concurrency.randomEmail());
            assertThat(calls.activate(key, "laptop").status()).isEqualTo(200);
            ports.forEach(port -> NearCacheIT.remember(new HttpCalls(port), redis, key, "laptop"));

            redis.kill();

            for (int port : ports) {
                var direct = new HttpCalls(port);
                Wait.until(
                        "the server says that it is degraded",
                        () -> direct.get("/readyz").body().contains("degraded"));
            }
            long begin = System.nanoTime();
            while (System.nanoTime() - begin < TimeUnit.SECONDS.toNanos(5)) {
                assertThat(calls.validate(key, "laptop").succeeded()).isTrue();
            }
            assertThat(haproxy.output).noneMatch(line -> line.contains("is DOWN"));
        }
    }

    private JarProcess startServer(int port) {
        return startServer(
                port,
                RedisForTests.url(),
                Map.of(
                        // A machine that is busy with much else is no concern of this test.
                        "REDIS_TIMEOUT_MILLIS",
                        "10000",
                        "SHUTDOWN_DELAY_SECONDS",
                        DeploymentFilesTest.delayInCompose()));
    }

    private JarProcess startServer(int port, String redisUrl, Map<String, String> more) {
        var settings = new HashMap<>(more);
        settings.put("HOST", "127.0.0.1");
        settings.put("PORT", String.valueOf(port));
        settings.put("REDIS_URL", redisUrl);
        settings.put("ADMIN_SECRET", HttpCalls.SECRET);
        return JarProcess.start(folder, settings);
    }

    private static void awaitReady(int port) {
        Wait.until("a server is ready", () -> new HttpCalls(port).get("/readyz").status() == 200);
    }

    /** Calls of all kinds in turn at a fixed rate, those among them that HAProxy must not send twice. */
    private final class Load {
        private final List<Map.Entry<String, JsonObject>> kinds;
        private final AtomicInteger open = new AtomicInteger();
        private final AtomicInteger answered = new AtomicInteger();
        private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
        private final int port;
        private int called;

        Load(int port, String key) {
            this.port = port;
            this.kinds = List.of(
                    Map.entry("/validate", HttpCalls.machine(key, "laptop")),
                    Map.entry("/activate", HttpCalls.machine(key, "laptop")),
                    Map.entry("/license-info", new JsonObject().put("key", key)),
                    Map.entry("/enable-license", new JsonObject().put("key", key)),
                    Map.entry("/register-license", new JsonObject()));
        }

        void call() {
            var kind = kinds.get(called++ % kinds.size());
            String path = kind.getKey();
            JsonObject body = path.equals("/register-license")
                    ? new JsonObject().put("email", Concurrency.randomEmail())
                    : kind.getValue();
            open.incrementAndGet();
            client.request(HttpMethod.POST, port, "127.0.0.1", path)
                    .compose(request -> request.putHeader("Authorization", "Bearer " + HttpCalls.SECRET)
                            .send(body.toBuffer()))
                    .compose(response -> response.body().map(text -> described(response, text)))
                    .otherwise(failure -> failure.toString())
                    .onSuccess(answer -> {
                        answered.incrementAndGet();
                        if (!answer.startsWith("200 {\"success\":true")) {
                            failures.add(path + " " + answer);
                        }
                    })
                    .onComplete(done -> open.decrementAndGet());
        }

        private static String described(HttpClientResponse response, Buffer body) {
            return response.statusCode() + " " + body;
        }
    }

    /** HAProxy as a process, with the configuration of {@code conf/} but for the addresses. */
    private static final class LoadBalancer implements AutoCloseable {
        private final Process process;
        private final int port;
        private final List<String> output = new CopyOnWriteArrayList<>();

        private LoadBalancer(Process process, int port) {
            this.process = process;
            this.port = port;
            var reader = new Thread(this::read, "haproxy-output");
            reader.setDaemon(true);
            reader.start();
        }

        static boolean isInstalled() {
            return Stream.of(System.getenv("PATH").split(":"))
                    .anyMatch(directory -> Files.isExecutable(Path.of(directory, "haproxy")));
        }

        static LoadBalancer start(Path folder, List<Integer> ports) throws IOException {
            int port = RedisProcess.freePort();
            var servers = new StringBuilder();
            for (int i = 0; i < ports.size(); i++) {
                servers.append("    server license-server-%d 127.0.0.1:%d\n".formatted(i + 1, ports.get(i)));
            }
            String committed = Files.readString(Path.of("conf", "haproxy.cfg"));
            String settings = committed.replaceAll("(?m)^    server .*\n", "").stripTrailing() + "\n" + servers;
            settings = settings.replace("bind :8080", "bind 127.0.0.1:" + port);
            Path file = Files.writeString(folder.resolve("haproxy.cfg"), settings);
            Process process = new ProcessBuilder("haproxy", "-db", "-f", file.toString())
                    .redirectErrorStream(true)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
            var loadBalancer = new LoadBalancer(process, port);
            Wait.until("HAProxy serves; it said " + loadBalancer.output, () -> Wait.accepts(port));
            return loadBalancer;
        }

        private void read() {
            try (BufferedReader lines = process.inputReader()) {
                lines.lines().forEach(output::add);
            } catch (IOException | UncheckedIOException closed) {
                // The process ended.
            }
        }

        void awaitLine(String text) {
            Wait.until("HAProxy says that " + text, () -> output.stream().anyMatch(line -> line.contains(text)));
        }

        @Override
        public void close() {
            process.destroyForcibly().onExit().orTimeout(10, TimeUnit.SECONDS).join();
        }
    }
}
