package licenseserver.http;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;

/**
 * What the benchmarks hold the server against: a bare Vert.x handler that reads and parses bodies as the server does and gives
 * the answer of a valid license, with the same headers. It has no routes, asks no Redis and knows no rules.
 */
public final class Ceiling extends VerticleBase {
    private static final Reply VALID = Reply.ok("{\"success\":true,\"premium\":true}");
    private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
    private static final CharSequence ANY = HttpHeaders.createOptimized("*");

    private static final int IDLE_SECONDS = 75;

    public static void main(String[] arguments) {
        Vertx vertx = Vertx.vertx();
        vertx.deployVerticle(
                        Ceiling::new,
                        new DeploymentOptions()
                                .setInstances(Runtime.getRuntime().availableProcessors()))
                .onFailure(failure -> {
                    System.err.println("The ceiling did not start: " + failure);
                    System.exit(1);
                });
    }

    @Override
    public Future<?> start() {
        HttpServer http = vertx.createHttpServer(
                        new HttpServerOptions().setIdleTimeout(IDLE_SECONDS).setHttp2ClearTextEnabled(false))
                .requestHandler(this::answer);
        return http.listen(-1, "127.0.0.1")
                .onSuccess(listening -> System.out.println("Ceiling listens on 127.0.0.1:" + listening.actualPort()));
    }

    private void answer(HttpServerRequest request) {
        request.body()
                .map(Fields::parse)
                .map(fields ->
                        fields.text("key") == null || fields.text("machineId") == null ? Reply.BAD_REQUEST : VALID)
                .onSuccess(reply -> request.response()
                        .setStatusCode(reply.status())
                        .putHeader(HttpHeaders.CONTENT_TYPE, JSON)
                        .putHeader(HttpHeaders.ACCESS_CONTROL_ALLOW_ORIGIN, ANY)
                        .end(reply.body()))
                .onFailure(unreadable -> request.connection().close());
    }
}
