package licenseserver.http;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import licenseserver.license.Verdict;

/**
 * What is answered to a call: a status and a JSON object. The refusals of the contract are all here, each in its one
 * place.
 */
public record Reply(int status, Buffer body) {
    public static final Reply INVALID_JSON = refusal(400, "Invalid JSON");
    public static final Reply NO_OBJECT = refusal(400, "JSON object required");
    public static final Reply BAD_REQUEST = refusal(400, "Bad request");
    public static final Reply EMAIL_REQUIRED = refusal(400, "Email required");
    public static final Reply EMAIL_INVALID = refusal(400, "Email invalid");
    public static final Reply KEY_OR_EMAIL_REQUIRED = refusal(400, "key or email required");
    public static final Reply KEY_AND_MACHINE_REQUIRED = refusal(400, "key and machineId required");
    public static final Reply MACHINE_INVALID = refusal(400, "machineId invalid");
    public static final Reply UNAUTHORIZED = refusal(401, "Unauthorized");
    public static final Reply UNKNOWN_PATH = refusal(404, "Not found");
    public static final Reply LICENSE_NOT_FOUND = refusal(404, "License not found");
    public static final Reply METHOD_NOT_ALLOWED = refusal(405, "Method not allowed");
    public static final Reply EMAIL_TAKEN = refusal(409, "Email already registered");
    public static final Reply HEAD_TOO_SLOW = refusal(408, "Request head not received in time");
    public static final Reply RECORD_IS_READABLE =
            refusal(409, "The stored license can be read; change its terms instead");
    public static final Reply BODY_TOO_SLOW = refusal(408, "Request body not received in time");
    public static final Reply BODY_TOO_LARGE = refusal(413, "Request body too large");
    public static final Reply INTERNAL_ERROR = refusal(500, "Internal error");
    public static final Reply UNSUPPORTED_VERSION = refusal(505, "Only HTTP/1.1 and HTTP/1.0 are supported");
    public static final Reply UNREADABLE_LICENSE = refusal(500, "The stored license cannot be read");
    public static final Reply UNAVAILABLE = refusal(503, "Temporarily unavailable, please try again");

    private static final Reply LICENSE_DISABLED = refusal(403, "License disabled");
    private static final Reply LICENSE_EXPIRED = refusal(403, "License expired");
    private static final Reply LIMIT_EXCEEDED = refusal(403, "Activation limit exceeded");
    private static final Reply TOO_MANY_NEW_MACHINES = refusal(403, "Too many new machines");
    private static final Reply NOT_ACTIVATED = refusal(403, "License not activated on this machine");

    /** A refusal with the contract's body: {@code {"success":false,"message":…}}. */
    public static Reply refusal(int status, String message) {
        return new Reply(
                status,
                new JsonObject().put("success", false).put("message", message).toBuffer());
    }

    /** A license whose record cannot be read, with what is wrong and the record for whoever is to mend it. */
    public static Reply unreadable(String problem, String record) {
        return new Reply(
                409,
                new JsonObject()
                        .put("success", false)
                        .put("message", "The stored license cannot be read: " + problem)
                        .put("record", record)
                        .toBuffer());
    }

    /** How a refused activation or deactivation is answered. */
    public static Reply refusal(Verdict verdict) {
        return switch (verdict) {
            case NOT_FOUND -> LICENSE_NOT_FOUND;
            case DISABLED -> LICENSE_DISABLED;
            case EXPIRED -> LICENSE_EXPIRED;
            case NOT_ACTIVATED -> NOT_ACTIVATED;
            case LIMIT_EXCEEDED -> LIMIT_EXCEEDED;
            case TOO_MANY_NEW_MACHINES -> TOO_MANY_NEW_MACHINES;
            case OK -> throw new IllegalArgumentException("OK is no refusal");
        };
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
