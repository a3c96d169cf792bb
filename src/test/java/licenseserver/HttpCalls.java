package licenseserver;

import io.vertx.core.json.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** Calls one server over HTTP, as an app or an admin script does. */
public final class HttpCalls {
    /** What admin calls of the tests are made with. */
    public static final String SECRET = "a-secret-for-tests";

    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .executor(Executors.newFixedThreadPool(4, task -> {
                var thread = new Thread(task, "test-http-client");
                thread.setDaemon(true);
                return thread;
            }))
            .build();

    private final String base;
    private final String secret;

    public HttpCalls(int port) {
        this(port, SECRET);
    }

    public HttpCalls(int port, String secret) {
        this.base = "http://127.0.0.1:" + port;
        this.secret = secret;
    }

    /** A status and a body. */
    public record Answer(int status, String body) {
        public JsonObject json() {
            return new JsonObject(body);
        }

        public boolean succeeded() {
            return json().getBoolean("success");
        }
    }

    public CompletableFuture<Answer> postLater(String path, JsonObject body) {
        return send(request(path, body).build());
    }

    /** Posts with this {@code Idempotency-Key}. */
    Answer postOnce(String idempotencyKey, String path, JsonObject body) {
        return send(request(path, body)
                        .header("Idempotency-Key", idempotencyKey)
                        .build())
                .join();
    }

    private HttpRequest.Builder request(String path, JsonObject body) {
        return HttpRequest.newBuilder(URI.create(base + path))
                .header("Authorization", "Bearer " + secret)
                .POST(HttpRequest.BodyPublishers.ofString(body.encode()));
    }

    public Answer post(String path, JsonObject body) {
        return postLater(path, body).join();
    }

    public Answer get(String path) {
        return send(HttpRequest.newBuilder(URI.create(base + path)).build()).join();
    }

    private static CompletableFuture<Answer> send(HttpRequest request) {
        return CLIENT.sendAsync(request, HttpResponse.BodyHandlers.ofString())
                .orTimeout(20, TimeUnit.SECONDS)
                .thenApply(response -> new Answer(response.statusCode(), response.body()));
    }

    /** Registers a customer, unless that was done before, and returns the key. */
    public String register(String email) {
        Answer answer = post("/register-license", new JsonObject().put("email", email));
        if (answer.status() != 200) {
            throw new IllegalStateException("Not registered: " + answer);
        }
        return answer.json().getString("key");
    }

    public Answer activate(String key, String machineId) {
        return post("/activate", machine(key, machineId));
    }

    public Answer validate(String key, String machineId) {
        return post("/validate", machine(key, machineId));
    }

    public Answer deactivate(String key, String machineId) {
        return post("/deactivate", machine(key, machineId));
    }

    public JsonObject license(String key) {
        return post("/license-info", new JsonObject().put("key", key)).json().getJsonObject("license");
    }

    public static JsonObject machine(String key, String machineId) {
        return new JsonObject().put("key", key).put("machineId", machineId);
    }
}
