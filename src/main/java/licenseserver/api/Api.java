package licenseserver.api;

import static java.util.Map.entry;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.access.AdminSecret;
import licenseserver.http.CallLimit;
import licenseserver.http.Fields;
import licenseserver.http.Readiness;
import licenseserver.http.Reply;
import licenseserver.http.RequestBodies;
import licenseserver.http.StrictRequestDecoder;
import licenseserver.idempotency.IdempotencyStore;
import licenseserver.license.Policy;
import licenseserver.memory.HeapShare;
import licenseserver.store.LastSeen;
import licenseserver.store.LicenseStore;
import licenseserver.store.NearCache;
import org.jspecify.annotations.Nullable;

/** The HTTP interface: every path, and the rules that all calls share, in the order in which they are applied. */
public final class Api {
    /** Answers a call whose body was a JSON object. */
    private interface Call {
        Future<Reply> answer(HttpServerRequest request, Fields fields);
    }

    /** How long the rest of a refused request is read and dropped before its connection is closed. */
    private static final long LINGER_MILLIS = 1000;

    private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
    private static final Reply ALIVE = Reply.ok("{\"success\":true,\"status\":\"alive\"}");

    /**
     * Of changes alone. At the least as many as the store has connections for, at most those of the next twentieth of a second.
     * Reads have the bound of their one connection, and need no other: they do not wait for each other.
     */
    private final CallLimit changes = new CallLimit(16, 256);

    private final Vertx vertx;

    private static final Call NO_CALL = (request, fields) -> Future.succeededFuture(Reply.UNKNOWN_PATH);

    private final CharSequence corsOrigin;
    private final AdminSecret adminSecret;
    private final Supplier<Readiness> readiness;
    private final Idempotency idempotency;
    private final RequestBodies bodies;
    private @Nullable String lastHost;

    /**
     * The connections that were told {@code Connection: close} and are still open. Weak, because Vert.x does not always tell when
     * one is closed that was closing already.
     */
    private final Set<HttpConnection> closing = Collections.newSetFromMap(new WeakHashMap<>());

    private final Failures failures = new Failures();
    private final Map<String, Call> calls;
    private final Map<String, Supplier<Reply>> pages;

    /**
     * What can be set of the API.
     *
     * @param maxMachines how many machines a new license allows where its register does not say
     * @param policy what is done where a license's own terms do not say
     * @param corsOrigin which web pages may read the answers: an origin, or {@code *} for all
     * @param bodyPatience the longest that a client may take to send a request's body
     * @param bodyShare of the heap, for the bodies of all event loops
     */
    public record Settings(
            int maxMachines, Policy policy, String corsOrigin, Duration bodyPatience, HeapShare bodyShare) {}

    /**
     * The API on its stores; belongs to their event loop.
     *
     * @param licenses for the calls of customers' machines
     * @param sellerLicenses the same licenses over connections of their own, so that admin calls never stand in line behind
     *     those of machines
     */
    public Api(
            Vertx vertx,
            LicenseStore licenses,
            LicenseStore sellerLicenses,
            NearCache cache,
            LastSeen lastSeen,
            IdempotencyStore requests,
            InstantSource clock,
            Settings settings,
            AdminSecret adminSecret,
            Supplier<Readiness> readiness) {
        this.vertx = vertx;

        this.corsOrigin = HttpHeaders.createOptimized(settings.corsOrigin());
        this.adminSecret = adminSecret;
        this.readiness = readiness;
        this.bodies = new RequestBodies(vertx, settings.bodyPatience(), settings.bodyShare());
        this.idempotency = new Idempotency(vertx, requests, sellerLicenses, failures);
        var client = new ClientCalls(licenses, cache, lastSeen, settings.policy(), clock);
        var seller = new AdminCalls(sellerLicenses, settings.maxMachines(), clock);
        this.calls = Map.ofEntries(
                entry("/activate", open(changes, client::activate)),
                entry("/validate", open(client::validate)),
                entry("/deactivate", open(changes, client::deactivate)),
                entry("/register-license", once(seller::register)),
                entry("/license-info", admin(seller::info)),
                entry("/disable-license", admin(seller::disable)),
                entry("/enable-license", admin(seller::enable)),
                entry("/update-license", once(seller::update)),
                entry("/reset-machines", admin(seller::resetMachines)),
                entry("/rotate-key", once(seller::rotateKey)),
                entry("/delete-license", admin(seller::delete)),
                entry("/license-history", admin(seller::history)),
                entry("/recent-events", admin(seller::recentEvents)));
        this.pages = Map.of("/livez", () -> ALIVE, "/readyz", this::ready, "/health", this::ready);
    }

    /**
     * Answers requests. The calls take a short way to their handlers, which a router's would lengthen by a twentieth; all that is not
     * plainly one of them takes the long one.
     */
    public Handler<HttpServerRequest> handler() {
        Router router = router();
        return request -> {
            if (!closing.isEmpty() && closing.contains(request.connection())) {
                return;
            }
            Call call = request.method().equals(HttpMethod.POST) ? calls.get(request.path()) : null;
            if (call != null && isPlain(request)) {
                answer(request, call);
            } else {
                router.handle(request);
            }
        };
    }

    /** Whether nothing about the request's head asks for a closer look; most requests come for the same host as the one before. */
    private boolean isPlain(HttpServerRequest request) {
        String host = request.getHeader(HttpHeaders.HOST);
        if (host == null) {
            return false;
        }
        if (host.equals(lastHost)) {
            return true;
        }
        boolean isHost = request.authority() != null;
        if (isHost) {
            lastHost = host;
        }
        return isHost;
    }

    private Router router() {
        Router router = Router.router(vertx);
        router.options().handler(this::answerPreflight);
        router.get().handler(this::answerPage);
        router.head().handler(this::answerPage);
        router.post()
                .handler(context -> answer(
                        context.request(), calls.getOrDefault(context.request().path(), NO_CALL)));
        router.route().handler(context -> send(context.request(), Reply.METHOD_NOT_ALLOWED));
        // What the router refuses by itself: a Host that is missing or malformed, and a target that is no path.
        router.errorHandler(400, context -> sendLast(context.request(), Reply.BAD_REQUEST));
        router.errorHandler(404, this::answerNoPath);
        // No route asks for these; were one to, the router would answer HTML.
        for (int status : List.of(405, 413, 415)) {
            router.errorHandler(status, context -> send(context.request(), Reply.refusal(status, "Bad request")));
        }
        router.errorHandler(500, context -> send(context.request(), failures.replyTo(context.failure())));
        return router;
    }

    /** Answers what is not a valid HTTP request. */
    public void answerInvalidRequest(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        if (cause instanceof StrictRequestDecoder.UnsupportedVersionException) {
            sendLast(request, Reply.UNSUPPORTED_VERSION);
            return;
        }
        int status = cause instanceof TooLongHttpLineException
                ? 414
                : cause instanceof TooLongHttpHeaderException ? 431 : 400;
        sendLast(request, Reply.refusal(status, "Bad request"));
    }

    private static Call open(Function<Fields, Future<Reply>> call) {
        return (request, fields) -> call.apply(fields);
    }

    private static Call open(CallLimit limit, Function<Fields, Future<Reply>> call) {
        return (request, fields) -> limit.admit(() -> call.apply(fields));
    }

    private Call admin(Function<Fields, Future<Reply>> call) {
        return admin(open(call));
    }

    private Call admin(Call call) {
        return (request, fields) -> adminSecret.authorizes(request.getHeader(HttpHeaders.AUTHORIZATION))
                ? call.answer(request, fields)
                : Future.succeededFuture(Reply.UNAUTHORIZED);
    }

    /** An admin call that a client may ask to be done once only. */
    private Call once(Function<Fields, Future<Reply>> call) {
        return admin((request, fields) -> idempotency.once(request, fields.body(), () -> call.apply(fields)));
    }

    private void answer(HttpServerRequest request, Call call) {
        bodies.receive(
                request,
                body -> answer(request, call, body)
                        .onComplete(reply -> send(request, reply), failure -> send(request, failures.replyTo(failure))),
                (refusal, goesOn) -> {
                    if (goesOn) {
                        send(request, refusal);
                    } else {
                        sendLast(request, refusal);
                    }
                });
    }

    private static Future<Reply> answer(HttpServerRequest request, Call call, Buffer body) {
        try {
            return call.answer(request, Fields.parse(body));
        } catch (RuntimeException refusedOrDefect) {
            return Future.failedFuture(refusedOrDefect);
        }
    }

    private void answerPreflight(RoutingContext context) {
        context.response()
                .setStatusCode(204)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, corsOrigin)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS")
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Authorization")
                .end();
    }

    private void answerPage(RoutingContext context) {
        Supplier<Reply> page = pages.get(context.request().path());
        if (page == null) {
            context.next();
        } else {
            send(context.request(), page.get());
        }
    }

    /** A target such as that of {@code OPTIONS *}; the router wants the answer at once, without waiting for a body. */
    private void answerNoPath(RoutingContext context) {
        if (context.request().method().equals(HttpMethod.POST)) {
            sendLast(context.request(), Reply.UNKNOWN_PATH);
        } else {
            context.reroute("/");
        }
    }

    private Reply ready() {
        return switch (readiness.get()) {
            case READY -> Reply.ok("{\"success\":true,\"status\":\"ready\"}");
            case DEGRADED -> Reply.ok("{\"success\":true,\"status\":\"degraded\"}");
            case STORE_LOST -> Reply.refusal(503, "Redis has lost its data");
            case RIGHTS_MISSING -> Reply.refusal(503, "The user of Redis lacks a right");
            case STORE_UNAVAILABLE -> Reply.refusal(503, "Redis does not answer");
            case STOPPING -> Reply.refusal(503, "Stopping");
        };
    }

    /** Refuses a request in such a way that nothing more of its connection is carried out. */
    private void sendLast(HttpServerRequest request, Reply reply) {
        closeAfter(request);
        send(request, reply);
    }

    /**
     * Ends the connection once this request is complete, or after a while: if it closed at once, a client that is still
     * sending could lose the answer. Vert.x drops what comes after the request; {@link #closing} is for a request that
     * has begun to come already, and waits for this one's answer.
     */
    private void closeAfter(HttpServerRequest request) {
        HttpConnection connection = request.connection();
        if (!request.response().headWritten()) {
            request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        }
        if (closing.add(connection)) {
            connection.shutdown(LINGER_MILLIS, TimeUnit.MILLISECONDS).onComplete(closed -> closing.remove(connection));
        }
    }

    private void send(HttpServerRequest request, Reply reply) {
        HttpServerResponse response = request.response();
        if (response.ended() || response.closed()) {
            return;
        }
        if (reply.status() != 200) {
            response.setStatusCode(reply.status());
        }
        response.putHeader(HttpHeaders.CONTENT_TYPE, JSON)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, corsOrigin);
        if (readiness.get() == Readiness.STOPPING) {
            // A client that keeps connections open must use another server from now on.
            closeAfter(request);
        }
        if (reply.status() == 503) {
            response.putHeader(HttpHeaders.RETRY_AFTER, "1");
        } else if (reply.status() == 405) {
            response.putHeader(HttpHeaders.ALLOW, "POST, OPTIONS");
        }
        if (request.method().equals(HttpMethod.HEAD)) {
            response.putHeader(
                            HttpHeaders.CONTENT_LENGTH,
                            String.valueOf(reply.body().length()))
                    .end();
        } else {
            response.end(reply.body());
        }
    }
}
