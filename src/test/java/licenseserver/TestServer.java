package licenseserver;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A whole server in this process, on any free port, with event loops of its own, which nothing may block. */
public final class TestServer implements AutoCloseable {
    private final Vertx vertx = EventLoops.watched(new VertxOptions().setEventLoopPoolSize(2));
    private final LicenseServer server;

    private TestServer(Configuration config) {
        this.server = new LicenseServer(config);
    }

    /** Starts a server on this Redis, with a limit of 3 machines for new licenses. */
    public static TestServer start(String redisUrl, String... settings) {
        return start(config(redisUrl, settings));
    }

    public static TestServer start(Configuration config) {
        var server = new TestServer(config);
        try {
            server.vertx
                    .deployVerticle(server.server)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            server.vertx.close();
            throw new IllegalStateException(e);
        }
        return server;
    }

    /**
     * The default settings but for where and with whom a test needs them.
     *
     * @param settings further ones, each name before its value
     */
    public static Configuration config(String redisUrl, String... settings) {
        var environment = new HashMap<>(Map.of(
                "HOST",
                "127.0.0.1",
                "PORT",
                "0",
                "REDIS_URL",
                redisUrl,
                "ADMIN_SECRET",
                HttpCalls.SECRET,
                "HISTORY_SECRET",
                "a secret of all test servers"));
        for (int i = 0; i < settings.length; i += 2) {
            environment.put(settings[i], settings[i + 1]);
        }
        return Configuration.load(environment);
    }

    public int port() {
        return server.port();
    }

    public HttpCalls calls() {
        return new HttpCalls(server.port());
    }

    /** Starts a server and waits until it is ready. */
    public static TestServer startReady(String redisUrl, String... settings) {
        TestServer server = start(redisUrl, settings);
        Wait.until("the server is ready", () -> server.calls().get("/readyz").status() == 200);
        return server;
    }

    /** Stops the server, and fails if anything has blocked an event loop. */
    @Override
    public void close() {
        try {
            vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        EventLoops.assertNeverBlocked(vertx);
    }
}
