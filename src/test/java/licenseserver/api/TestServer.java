package licenseserver.api;

import static licenseserver.Await.await;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import licenseserver.EventLoops;
import licenseserver.HttpCalls;
import licenseserver.access.AdminSecret;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.health.Health;
import licenseserver.health.Readiness;
import licenseserver.http.OpenConnections;
import licenseserver.http.Pipeline;
import licenseserver.http.RawConnection;
import licenseserver.http.Routes;
import licenseserver.idempotency.Idempotency;
import licenseserver.idempotency.IdempotencyStore;
import licenseserver.idempotency.InMemoryIdempotencyStore;
import licenseserver.license.Policy;
import licenseserver.memory.HeapShare;
import licenseserver.store.LastSeen;
import licenseserver.store.LicenseStore;
import licenseserver.store.NearCache;
import licenseserver.welcome.Welcome;

/** The HTTP interface on a port of loopback that is free, at a time that stands still. */
public final class TestServer implements AutoCloseable {
    public static final String ADMIN_SECRET = HttpCalls.SECRET;
    public static final int MAX_MACHINES = 3;
    public static final long NOW_MILLIS = 1_719_000_000_000L;

    public static final HeapShare UNBOUNDED = new HeapShare(Long.MAX_VALUE, "none");

    /** Longer than any test waits. */
    public static final Duration PATIENT = Duration.ofSeconds(60);

    private static final String LOOPBACK = "127.0.0.1";
    private static final HttpClient CLIENT =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Vertx vertx;
    private final HttpServer http;
    private final DeclaredRefusals refusals;

    private TestServer(Vertx vertx, HttpServer http, DeclaredRefusals refusals) {
        this.vertx = vertx;
        this.http = http;
        this.refusals = refusals;
    }

    public static TestServer start(Vertx vertx, LicenseStore licenses) {
        return start(vertx, licenses, "*", PATIENT, PATIENT, () -> Readiness.READY);
    }

    /** Starts a server that remembers requests in this store, has this policy, and tells the time by this clock. */
    public static TestServer start(
            Vertx vertx, LicenseStore licenses, IdempotencyStore requests, Policy policy, InstantSource clock) {
        var settings = new Pipeline.Settings("*", PATIENT, PATIENT, UNBOUNDED, List.of());
        return start(vertx, licenses, requests, policy, clock, settings, () -> Readiness.READY, unbounded());
    }

    public static TestServer start(
            Vertx vertx,
            LicenseStore licenses,
            String corsOrigin,
            Duration bodyPatience,
            Duration idleTimeout,
            Supplier<Readiness> readiness) {
        var settings = new Pipeline.Settings(corsOrigin, idleTimeout, bodyPatience, UNBOUNDED, List.of());
        return start(vertx, licenses, settings, readiness, unbounded());
    }

    /** Starts a server with these bounds on its connections and on the bodies of requests. */
    public static TestServer start(Vertx vertx, LicenseStore licenses, OpenConnections connections, HeapShare bodies) {
        var settings = new Pipeline.Settings("*", PATIENT, PATIENT, bodies, List.of());
        return start(vertx, licenses, settings, () -> Readiness.READY, connections);
    }

    private static TestServer start(
            Vertx vertx,
            LicenseStore licenses,
            Pipeline.Settings settings,
            Supplier<Readiness> readiness,
            OpenConnections connections) {
        var clock = InstantSource.fixed(Instant.ofEpochMilli(NOW_MILLIS));
        var requests = new InMemoryIdempotencyStore();
        return start(vertx, licenses, requests, Policy.NONE, clock, settings, readiness, connections);
    }

    /** What capabilities find here on an event loop. */
    public static EventLoop loop(Vertx vertx, InstantSource clock, LicenseStore licenses) {
        return new EventLoop(
                vertx,
                clock,
                new AdminSecret(ADMIN_SECRET),
                licenses,
                licenses,
                NearCache.off(),
                new LastSeen(vertx, licenses, UNBOUNDED, PATIENT));
    }

    private static OpenConnections unbounded() {
        return new OpenConnections(Long.MAX_VALUE, PATIENT);
    }

    private static TestServer start(
            Vertx vertx,
            LicenseStore licenses,
            IdempotencyStore requests,
            Policy policy,
            InstantSource clock,
            Pipeline.Settings settings,
            Supplier<Readiness> readiness,
            OpenConnections connections) {
        EventLoop loop = loop(vertx, clock, licenses);
        var routes = new Routes(Stream.<Capability>of(
                        new LicenseCalls(new LicenseSettings(MAX_MACHINES, policy)),
                        new Health("1.2.3", readiness),
                        new Welcome())
                .flatMap(capability -> capability.routes(loop).stream())
                .toList());
        var pipeline = new Pipeline(
                vertx,
                routes,
                new Idempotency(vertx, requests, licenses),
                StoreFailures::translate,
                settings,
                () -> readiness.get() == Readiness.STOPPING);
        return new TestServer(vertx, await(pipeline.listen(0, LOOPBACK, connections)), new DeclaredRefusals(routes));
    }

    public int port() {
        return http.actualPort();
    }

    public URI uri(String path) {
        return URI.create("http://" + LOOPBACK + ":" + http.actualPort() + path);
    }

    /** Posts a body with headers: names and values in turn. */
    public HttpResponse<String> post(String path, String body, String... headers) {
        return postLater(path, body, headers).join();
    }

    public CompletableFuture<HttpResponse<String>> postLater(String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri(path))
                .timeout(Duration.ofSeconds(10))
                .POST(BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return CLIENT.sendAsync(request.build(), BodyHandlers.ofString(StandardCharsets.UTF_8))
                .thenApply(refusals::check);
    }

    /** Posts a body with the admin secret. */
    public HttpResponse<String> postAsAdmin(String path, String body) {
        return post(path, body, "Authorization", "Bearer " + ADMIN_SECRET);
    }

    public RawConnection connect() {
        return new RawConnection(LOOPBACK, http.actualPort());
    }

    /** Connects from another address of this machine, for example {@code 127.0.0.2}. */
    public RawConnection connectFrom(String address) {
        return new RawConnection(LOOPBACK, http.actualPort(), address);
    }

    /** Stops the server, and fails if anything has blocked an event loop, if the Vert.x is a watched one. */
    @Override
    public void close() {
        await(http.close());
        EventLoops.assertNeverBlocked(vertx);
    }
}
