package licenseserver.http;

import static java.util.Map.entry;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.license.Policy;
import licenseserver.store.IdempotencyStore;
import licenseserver.store.LastSeen;
import licenseserver.store.LicenseStore;

/** The HTTP interface: every path, and the rules that all calls share, in the order in which they are applied. */
public final class Api {
    /** Answers a call whose body was a JSON object. */
    private interface Call {
        Future<Reply> answer(HttpServerRequest request, Fields fields);
    }

    /** How long what still comes of a refused request is read over. */
    private static final long LINGER_MILLIS = 1000;

    private static final String JSON = "application/json";
    private static final Reply ALIVE = Reply.ok("{\"success\":true,\"status\":\"alive\"}");

    private final Vertx vertx;
    private final Settings settings;
    private final AdminSecret adminSecret;
    private final Supplier<Readiness> readiness;
    private final Idempotency idempotency;
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
     */
    public record Settings(int maxMachines, Policy policy, String corsOrigin, Duration bodyPatience) {}

    /** The API on its stores; belongs to their event loop. */
    public Api(
            Vertx vertx,
            LicenseStore licenses,
            LastSeen lastSeen,
            IdempotencyStore requests,
            InstantSource clock,
            Settings settings,
            AdminSecret adminSecret,
            Supplier<Readiness> readiness) {
        this.vertx = vertx;
        this.settings = settings;
        this.adminSecret = adminSecret;
        this.readiness = readiness;
        this.idempotency = new Idempotency(vertx, requests, failures);
        var client = new ClientCalls(licenses, lastSeen, settings.policy(), clock);
        var seller = new AdminCalls(licenses, settings.maxMachines(), clock);
        this.calls = Map.ofEntries(
                entry("/activate", open(client::activate)),
                entry("/validate", open(client::validate)),
                entry("/deactivate", open(client::deactivate)),
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

    /** The routes of everything that is answered. */
    public Router router() {
        Router router = Router.router(vertx);
        router.route().handler(this::refuseAmbiguousRequest);
        router.options().handler(this::answerPreflight);
        router.get().handler(this::answerPage);
        router.post().handler(this::answerCall);
        router.route().handler(context -> send(context.request(), Reply.METHOD_NOT_ALLOWED));
        // What the router refuses by itself: a Host that is missing or malformed, and a target that is no path.
        router.errorHandler(400, context -> sendAndCloseSoon(context.request(), Reply.BAD_REQUEST));
        router.errorHandler(404, this::answerNoPath);
        // No route asks for these; were one to, the router would answer HTML.
        for (int status : List.of(405, 413, 415)) {
            router.errorHandler(status, context -> send(context.request(), Reply.refusal(status, "Bad request")));
        }
        router.errorHandler(500, context -> send(context.request(), failures.replyTo(context.failure())));
        return router;
    }

    /** Answers what is no HTTP request at all. */
    public void answerInvalidRequest(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        int status = cause instanceof TooLongHttpLineException
                ? 414
                : cause instanceof TooLongHttpHeaderException ? 431 : 400;
        sendAndClose(request, Reply.refusal(status, "Bad request"));
    }

    private static Call open(Function<Fields, Future<Reply>> call) {
        return (request, fields) -> call.apply(fields);
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

    private void answerCall(RoutingContext context) {
        HttpServerRequest request = context.request();
        RequestBody.receive(vertx, request, settings.bodyPatience())
                .map(Fields::parse)
                .compose(fields -> {
                    Call call = calls.get(request.path());
                    return call == null ? Future.succeededFuture(Reply.UNKNOWN_PATH) : call.answer(request, fields);
                })
                .recover(failure -> Future.succeededFuture(failures.replyTo(failure)))
                .onSuccess(reply -> {
                    if (request.isEnded()) {
                        send(request, reply);
                    } else {
                        sendAndCloseSoon(request, reply);
                    }
                });
    }

    /** A request that another server on its way could have understood otherwise: as two, or as meant for another host. */
    private void refuseAmbiguousRequest(RoutingContext context) {
        HttpServerRequest request = context.request();
        String transferEncoding = request.getHeader(HttpHeaders.TRANSFER_ENCODING);
        if ((transferEncoding != null && !transferEncoding.equalsIgnoreCase("chunked"))
                || request.headers().getAll(HttpHeaders.HOST).size() > 1) {
            sendAndClose(request, Reply.BAD_REQUEST);
        } else {
            context.next();
        }
    }

    private void answerPreflight(RoutingContext context) {
        context.response()
                .setStatusCode(204)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, settings.corsOrigin())
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
            sendAndClose(context.request(), Reply.UNKNOWN_PATH);
        } else {
            context.reroute("/");
        }
    }

    private Reply ready() {
        return switch (readiness.get()) {
            case READY -> Reply.ok("{\"success\":true,\"status\":\"ready\"}");
            case STORE_UNAVAILABLE -> Reply.refusal(503, "Redis does not answer");
            case STOPPING -> Reply.refusal(503, "Stopping");
        };
    }

    private void sendAndClose(HttpServerRequest request, Reply reply) {
        request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        send(request, reply);
        request.connection().close();
    }

    /** Refuses a request of which more may come: closing at once could take the answer back from one who still sends. */
    private void sendAndCloseSoon(HttpServerRequest request, Reply reply) {
        request.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
        send(request, reply);
        Future.any(request.end(), vertx.timer(LINGER_MILLIS, TimeUnit.MILLISECONDS))
                .onComplete(over -> request.connection().close());
    }

    private void send(HttpServerRequest request, Reply reply) {
        HttpServerResponse response = request.response();
        if (response.ended() || response.closed()) {
            return;
        }
        response.setStatusCode(reply.status())
                .putHeader(HttpHeaders.CONTENT_TYPE, JSON)
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, settings.corsOrigin());
        if (reply.status() == 503) {
            response.putHeader(HttpHeaders.RETRY_AFTER, "1");
        } else if (reply.status() == 405) {
            response.putHeader(HttpHeaders.ALLOW, "POST, OPTIONS");
        }
        response.end(reply.body());
    }
}
