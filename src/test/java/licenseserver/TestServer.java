package licenseserver;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import licenseserver.license.Policy;

/** A whole server in this process, with event loops of its own, on any free port. */
public final class TestServer implements AutoCloseable {
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2));
    private final LicenseServer server;

    private TestServer(Config config) {
        this.server = new LicenseServer(config);
    }

    /** Starts a server on this Redis, with a limit of 3 machines for new licenses. */
    public static TestServer start(String redisUrl) {
        return start(config(redisUrl));
    }

    public static TestServer start(Config config) {
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

    /** The default settings but for where and with whom a test needs them. */
    public static Config config(String redisUrl) {
        return new Config(
                "127.0.0.1",
                0,
                redisUrl,
                HttpCalls.SECRET,
                3,
                Policy.NONE,
                200,
                Path.of("unused"),
                "*",
                Duration.ofSeconds(75),
                Duration.ofSeconds(10),
                Duration.ofMillis(1500),
                Duration.ofSeconds(10));
    }

    public HttpCalls calls() {
        return new HttpCalls(server.port());
    }

    /** Starts a server and waits until it is ready. */
    public static TestServer startReady(String redisUrl) {
        TestServer server = start(redisUrl);
        Wait.until("the server is ready", () -> server.calls().get("/readyz").status() == 200);
        return server;
    }

    @Override
    public void close() {
        try {
            vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
