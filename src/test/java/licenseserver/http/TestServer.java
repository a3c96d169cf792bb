package licenseserver.http;

import static licenseserver.Await.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import licenseserver.store.LicenseStore;

/** The HTTP interface on a port of loopback that is free, at a time that stands still. */
final class TestServer implements AutoCloseable {
    static final String ADMIN_SECRET = "s3cret";
    static final int MAX_MACHINES = 3;
    static final long NOW_MILLIS = 1_719_000_000_000L;

    /** Longer than any test waits. */
    static final Duration PATIENT = Duration.ofSeconds(60);

    private static final String LOOPBACK = "127.0.0.1";

    private final HttpServer http;

    private TestServer(HttpServer http) {
        this.http = http;
    }

    static TestServer start(Vertx vertx, LicenseStore licenses) {
        return start(vertx, licenses, "*", PATIENT, PATIENT, () -> Readiness.READY);
    }

    static TestServer start(
            Vertx vertx,
            LicenseStore licenses,
            String corsOrigin,
            Duration bodyPatience,
            Duration idleTimeout,
            Supplier<Readiness> readiness) {
        var api = new Api(
                vertx,
                licenses,
                InstantSource.fixed(Instant.ofEpochMilli(NOW_MILLIS)),
                MAX_MACHINES,
                new AdminSecret(ADMIN_SECRET),
                corsOrigin,
                bodyPatience,
                readiness);
        return new TestServer(await(vertx.createHttpServer(new HttpServerOptions()
                        .setIdleTimeout((int) idleTimeout.toMillis())
                        .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                        .setHttp2ClearTextEnabled(false))
                .requestHandler(api.router())
                .invalidRequestHandler(api::answerInvalidRequest)
                .listen(0, LOOPBACK)));
    }

    URI uri(String path) {
        return URI.create("http://" + LOOPBACK + ":" + http.actualPort() + path);
    }

    RawConnection connect() {
        return new RawConnection(LOOPBACK, http.actualPort());
    }

    @Override
    public void close() {
        await(http.close());
    }
}
