package licenseserver.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.json.JsonObject;
import java.util.Map;

/**
 * The answer to a request.
 *
 * @param status the HTTP status
 * @param contentType of the body
 * @param headers further headers of this answer alone
 * @param body the body
 */
public record Reply(int status, CharSequence contentType, Map<CharSequence, CharSequence> headers, Buffer body) {
    private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");

    static final Reply INVALID_JSON = refusal(400, "Invalid JSON");
    static final Reply NO_OBJECT = refusal(400, "JSON object required");
    static final Reply BAD_REQUEST = refusal(400, "Bad request");
    static final Reply UNKNOWN_PATH = refusal(404, "Not found");
    static final Reply METHOD_NOT_ALLOWED = refusal(405, "Method not allowed");
    static final Reply HEAD_TOO_SLOW = refusal(408, "Request head not received in time");
    static final Reply BODY_TOO_SLOW = refusal(408, "Request body not received in time");
    static final Reply BODY_TOO_LARGE = refusal(413, "Request body too large");
    static final Reply INTERNAL_ERROR = refusal(500, "Internal error");
    static final Reply UNSUPPORTED_VERSION = refusal(505, "Only HTTP/1.1 and HTTP/1.0 are supported");
    static final Reply UNAVAILABLE = refusal(503, "Temporarily unavailable, please try again");

    /** An answer with this JSON. */
    public Reply(int status, Buffer json) {
        this(status, JSON, Map.of(), json);
    }

    /** A refusal with the contract's body: {@code {"success":false,"message":…}}. */
    public static Reply refusal(int status, String message) {
        return new Reply(
                status,
                new JsonObject().put("success", false).put("message", message).toBuffer());
    }

    /** A success with the given JSON text. */
    public static Reply ok(String json) {
        return new Reply(200, Buffer.buffer(json));
    }

    /** A success with the given fields, in their order. */
    public static Reply ok(JsonObject fields) {
        return new Reply(200, fields.toBuffer());
    }
}
