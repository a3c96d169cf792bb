package licenseserver.api;

import static licenseserver.http.Reply.refusal;

import io.vertx.core.json.JsonObject;
import licenseserver.http.Reply;
import licenseserver.license.Verdict;

/** How the license calls refuse, each message of the contract in its one place. */
final class Refusals {
    static final Reply EMAIL_REQUIRED = refusal(400, "Email required");
    static final Reply EMAIL_INVALID = refusal(400, "Email invalid");
    static final Reply KEY_OR_EMAIL_REQUIRED = refusal(400, "key or email required");
    static final Reply KEY_AND_MACHINE_REQUIRED = refusal(400, "key and machineId required");
    static final Reply MACHINE_INVALID = refusal(400, "machineId invalid");
    static final Reply LICENSE_NOT_FOUND = refusal(404, "License not found");
    static final Reply EMAIL_TAKEN = refusal(409, "Email already registered");
    static final Reply RECORD_IS_READABLE = refusal(409, "The stored license can be read; change its terms instead");
    static final Reply UNREADABLE = refusal(409, "The stored license cannot be read: …");
    static final Reply UNREADABLE_LICENSE = refusal(500, "The stored license cannot be read");

    static final Reply LICENSE_DISABLED = refusal(403, "License disabled");
    static final Reply LICENSE_EXPIRED = refusal(403, "License expired");
    static final Reply LIMIT_EXCEEDED = refusal(403, "Activation limit exceeded");
    static final Reply TOO_MANY_NEW_MACHINES = refusal(403, "Too many new machines");
    private static final Reply NOT_ACTIVATED = refusal(403, "License not activated on this machine");

    private Refusals() {}

    /** A license whose record cannot be read, with what is wrong and the record for whoever is to mend it. */
    static Reply unreadable(String problem, String record) {
        return new Reply(
                UNREADABLE.status(),
                new JsonObject()
                        .put("success", false)
                        .put("message", "The stored license cannot be read: " + problem)
                        .put("record", record)
                        .toBuffer());
    }

    /** How a refused activation or deactivation is answered. */
    static Reply of(Verdict verdict) {
        return switch (verdict) {
            case NOT_FOUND -> LICENSE_NOT_FOUND;
            case DISABLED -> LICENSE_DISABLED;
            case EXPIRED -> LICENSE_EXPIRED;
            case NOT_ACTIVATED -> NOT_ACTIVATED;
            case LIMIT_EXCEEDED -> LIMIT_EXCEEDED;
            case TOO_MANY_NEW_MACHINES -> TOO_MANY_NEW_MACHINES;
            case OK -> throw new IllegalArgumentException("OK is not a refusal");
        };
    }
}
