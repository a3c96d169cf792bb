package licenseserver.http;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import licenseserver.memory.HeapShare;
import org.jspecify.annotations.Nullable;

/**
 * The one road that every request takes: its head is checked, its body is received and read, {@link #road} leads it
 * to the {@link Route} of its path, and every answer leaves through {@link #send}. Belongs to one event loop.
 */
public final class Pipeline {
    /** How long the rest of a refused request is read and dropped before its connection is closed. */
    private static final long LINGER_MILLIS = 1000;

    private static final Route.Answer UNKNOWN_PATH = call -> Future.succeededFuture(Reply.UNKNOWN_PATH);

    private final Vertx vertx;
    private final Once once;
    private final Failures failures;
    private final CharSequence corsOrigin;
    private final HttpSettings settings;
    private final RequestBodies bodies;
    private final ClientAddress addresses;
    private final BooleanSupplier isStopping;
    private final Map<String, Route.Answer> calls = new HashMap<>();
    private final Map<String, Route.Page> pages = new HashMap<>();
    private @Nullable String lastHost;

    /**
     * The connections that were told {@code Connection: close} and are still open. The set is weak, because Vert.x
     * does not always report the end of a connection that was already closing.
     */
    private final Set<HttpConnection> closing = Collections.newSetFromMap(new WeakHashMap<>());

    /**
     * Leads requests to these routes.
     *
     * @param once carries out calls that their clients may repeat
     * @param translation turns failures that calls are expected to have into {@link RefusedException} or {@link
     *     UnavailableException}, and returns all others as they are
     * @param bodyShare of the heap, for the bodies on all event loops
     * @param isStopping whether clients should use another server from now on
     */
    public Pipeline(
            Vertx vertx,
            Routes routes,
            Once once,
            UnaryOperator<Throwable> translation,
            HttpSettings settings,
            HeapShare bodyShare,
            BooleanSupplier isStopping) {
        this.vertx = vertx;
        this.once = once;
        this.failures = new Failures(translation);
        this.corsOrigin = HttpHeaders.createOptimized(settings.corsOrigin());
        this.settings = settings;
        this.bodies = new RequestBodies(vertx, settings.bodyTimeout(), bodyShare);
        this.addresses = new ClientAddress(settings.trustedProxies());
        this.isStopping = isStopping;
        for (Route route : routes.all()) {
            if (route instanceof Route.Post call) {
                calls.put(call.path(), road(call));
            } else if (route instanceof Route.Page page) {
                pages.put(page.path(), page);
            }
        }
    }

    /**
     * Listens for requests.
     *
     * @param port the port; 0 for any free one, and a negative number for any free one that all event loops share
     * @param connections limits what connections may take of the heap
     */
    public Future<HttpServer> listen(int port, OpenConnections connections) {
        return vertx.createHttpServer(new HttpServerOptions()
                        .setIdleTimeout((int) settings.idleTimeout().toMillis())
                        .setIdleTimeoutUnit(TimeUnit.MILLISECONDS)
                        .setHttp2ClearTextEnabled(false)
                        // There are no web sockets; the handler that waits for them would see every request.
                        .setPerMessageWebSocketCompressionSupported(false)
                        .setPerFrameWebSocketCompressionSupported(false))
                .connectionHandler(connections)
                .requestHandler(door())
                .invalidRequestHandler(this::answerInvalidRequest)
                .listen(port, settings.host());
    }

    /** Puts together the steps between the body of a call and its answer. They are taken in the reverse order. */
    private Route.Answer road(Route.Post route) {
        Route.Answer road = route.answer();
        if (route.refusesOthers()) {
            Route.Answer next = road;
            road = call -> {
                call.fields().allowOnly(route.fields());
                return next.to(call);
            };
        }
        Route.Required required = route.required();
        if (required != null) {
            Route.Answer next = road;
            road = call -> call.fields().text(required.field()) == null
                    ? Future.succeededFuture(required.refusal())
                    : next.to(call);
        }
        CallLimit limit = route.limit();
        if (limit != null) {
            Route.Answer next = road;
            road = call -> limit.admit(() -> next.to(call), failures::isOutage);
        }
        if (route.isRepeatable()) {
            Route.Answer next = road;
            road = call -> once.once(
                    call, () -> Future.succeededFuture(call).compose(next::to).otherwise(failures::replyTo));
        }
        if (route.access() != Access.ANYONE) {
            Route.Answer next = road;
            road = call -> route.access().admit(call).compose(admitted -> next.to(call));
        }
        return road;
    }

    /**
     * Returns the entry for requests. Plain calls take a short way to their road, because the way through the router
     * would make a validation a twentieth longer. All other requests take the way through the router.
     */
    private Handler<HttpServerRequest> door() {
        Router router = router();
        return request -> {
            if (!closing.isEmpty() && closing.contains(request.connection())) {
                return;
            }
            Route.Answer road = request.method().equals(HttpMethod.POST) ? calls.get(request.path()) : null;
            if (road != null && isPlain(request)) {
                answer(request, road);
            } else {
                router.handle(request);
            }
        };
    }

    /**
     * Returns whether nothing about the head needs a closer look. Most requests have the same Host as the one before.
     */
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
                        context.request(), calls.getOrDefault(context.request().path(), UNKNOWN_PATH)));
        router.route().handler(context -> send(context.request(), Reply.METHOD_NOT_ALLOWED));
        // What the router refuses by itself: a Host that is missing or malformed, and a target that is not a path.
        router.errorHandler(400, context -> sendLast(context.request(), Reply.BAD_REQUEST));
        router.errorHandler(404, this::answerNoPath);
        // No route asks for these; if one did, the router would answer HTML.
        for (int status : List.of(405, 413, 415)) {
            router.errorHandler(status, context -> send(context.request(), Reply.refusal(status, "Bad request")));
        }
        router.errorHandler(500, context -> send(context.request(), failures.replyTo(context.failure())));
        return router;
    }

    /** Answers what is not a valid HTTP request. */
    private void answerInvalidRequest(HttpServerRequest request) {
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

    private void answer(HttpServerRequest request, Route.Answer road) {
        bodies.receive(
                request,
                body -> answer(request, road, body)
                        .onComplete(reply -> send(request, reply), failure -> send(request, failures.replyTo(failure))),
                (refusal, goesOn) -> {
                    if (goesOn) {
                        send(request, refusal);
                    } else {
                        sendLast(request, refusal);
                    }
                });
    }

    private Future<Reply> answer(HttpServerRequest request, Route.Answer road, Buffer body) {
        try {
            return road.to(new Call(addresses, request, Fields.parse(body)));
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
        Route.Page page = pages.get(context.request().path());
        if (page == null) {
            context.next();
        } else {
            send(context.request(), page.content().get());
        }
    }

    /**
     * Answers a request whose target is not a path, such as {@code OPTIONS *}. The router wants this answer at once,
     * without waiting for a body.
     */
    private void answerNoPath(RoutingContext context) {
        HttpMethod method = context.request().method();
        if (method.equals(HttpMethod.POST)) {
            sendLast(context.request(), Reply.UNKNOWN_PATH);
        } else if (method.equals(HttpMethod.OPTIONS)) {
            answerPreflight(context);
        } else {
            send(context.request(), Reply.METHOD_NOT_ALLOWED);
        }
    }

    /** Refuses a request and makes sure that nothing more of its connection is carried out. */
    private void sendLast(HttpServerRequest request, Reply reply) {
        closeAfter(request);
        send(request, reply);
    }

    /**
     * Ends the connection when this request is complete, or after a while. If it closed at once, a client that is
     * still sending could lose the answer. Vert.x drops whatever follows the request; {@link #closing} is for a
     * request that has already begun to arrive and waits for this one's answer.
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
        response.putHeader(HttpHeaders.CONTENT_TYPE, reply.contentType())
                .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, corsOrigin);
        if (!reply.headers().isEmpty()) {
            reply.headers().forEach(response::putHeader);
        }
        if (isStopping.getAsBoolean()) {
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
