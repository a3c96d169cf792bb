package licenseserver.api;

import static licenseserver.Await.await;

import io.netty.handler.ipfilter.IpSubnetFilterRule;
import io.vertx.core.Future;
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
import licenseserver.EventLoops;
import licenseserver.HttpCalls;
import licenseserver.access.AdminSecret;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.capability.Readiness;
import licenseserver.health.Health;
import licenseserver.http.HttpSettings;
import licenseserver.http.OpenConnections;
import licenseserver.http.Pipeline;
import licenseserver.http.RawConnection;
import licenseserver.http.Routes;
import licenseserver.idempotency.Idempotency;
import licenseserver.idempotency.IdempotencyStore;
import licenseserver.idempotency.InMemoryIdempotencyStore;
import licenseserver.license.Policy;
import licenseserver.memory.HeapShare;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.store.LastSeen;
import licenseserver.store.LicenseStore;
import licenseserver.store.NearCache;
import licenseserver.store.SeenLately;
import licenseserver.store.Validations;
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

    private static final InstantSource STANDING_STILL = InstantSource.fixed(Instant.ofEpochMilli(NOW_MILLIS));
    private static final List<Capability> CAPABILITIES = List.of(
            new LicenseCalls(new LicenseSettings(MAX_MACHINES, Policy.NONE)), new Health("1.2.3"), new Welcome());

    /** No capability here asks Redis. */
    private static final RedisSettings NOWHERE = RedisSettings.of("redis://" + LOOPBACK + ":1");

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
        return start(
                loop(vertx, clock, () -> Readiness.READY, licenses),
                List.of(new LicenseCalls(new LicenseSettings(MAX_MACHINES, policy))),
                requests,
                settings("*", PATIENT, PATIENT),
                UNBOUNDED,
                new OpenConnections(Long.MAX_VALUE, PATIENT));
    }

    public static TestServer start(
            Vertx vertx,
            LicenseStore licenses,
            String corsOrigin,
            Duration bodyTimeout,
            Duration idleTimeout,
            Supplier<Readiness> readiness) {
        return start(
                loop(vertx, STANDING_STILL, readiness, licenses),
                CAPABILITIES,
                new InMemoryIdempotencyStore(),
                settings(corsOrigin, idleTimeout, bodyTimeout),
                UNBOUNDED,
                new OpenConnections(Long.MAX_VALUE, PATIENT));
    }

    /** Starts a server behind proxies that it trusts. */
    public static TestServer startBehind(List<IpSubnetFilterRule> trustedProxies, Vertx vertx, LicenseStore licenses) {
        return start(
                loop(vertx, STANDING_STILL, () -> Readiness.READY, licenses),
                CAPABILITIES,
                new InMemoryIdempotencyStore(),
                new HttpSettings(LOOPBACK, 0, "*", trustedProxies, PATIENT, PATIENT),
                UNBOUNDED,
                new OpenConnections(Long.MAX_VALUE, PATIENT));
    }

    /** Starts a server with these bounds on its connections and on the bodies of requests. */
    public static TestServer start(Vertx vertx, LicenseStore licenses, OpenConnections connections, HeapShare bodies) {
        return start(
                loop(vertx, STANDING_STILL, () -> Readiness.READY, licenses),
                CAPABILITIES,
                new InMemoryIdempotencyStore(),
                settings("*", PATIENT, PATIENT),
                bodies,
                connections);
    }

    private static HttpSettings settings(String corsOrigin, Duration idleTimeout, Duration bodyTimeout) {
        return new HttpSettings(LOOPBACK, 0, corsOrigin, List.of(), idleTimeout, bodyTimeout);
    }

    /** What capabilities find here on an event loop. */
    public static EventLoop loop(
            Vertx vertx, InstantSource clock, Supplier<Readiness> readiness, LicenseStore licenses) {
        return new EventLoop(
                vertx,
                clock,
                readiness,
                new AdminSecret(ADMIN_SECRET),
                licenses,
                licenses,
                new Validations(
                        licenses,
                        NearCache.off(),
                        new LastSeen(vertx, licenses, new SeenLately(1_000), UNBOUNDED, PATIENT)),
                Future::succeededFuture,
                new RedisPool(vertx, NOWHERE, RedisTopology.of(vertx, NOWHERE), PATIENT),
                PATIENT);
    }

    private static TestServer start(
            EventLoop loop,
            List<Capability> capabilities,
            IdempotencyStore requests,
            HttpSettings settings,
            HeapShare bodies,
            OpenConnections connections) {
        var routes = new Routes(capabilities.stream()
                .flatMap(capability -> capability.routes(loop).stream())
                .toList());
        var pipeline = new Pipeline(
                loop.vertx(),
                routes,
                new Idempotency(loop.vertx(), requests, loop.sellerLicenses()),
                StoreFailures::translate,
                settings,
                bodies,
                () -> loop.readiness().get() == Readiness.STOPPING);
        return new TestServer(loop.vertx(), await(pipeline.listen(0, connections)), new DeclaredRefusals(routes));
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
