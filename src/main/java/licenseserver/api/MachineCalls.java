package licenseserver.api;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import licenseserver.http.Call;
import licenseserver.http.CallLimit;
import licenseserver.http.Fields;
import licenseserver.http.Reply;
import licenseserver.http.Route;
import licenseserver.license.Answer;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Verdict;
import licenseserver.store.LicenseStore;
import licenseserver.store.Validations;
import org.jspecify.annotations.Nullable;

/**
 * The calls of customers' machines: activate, validate and deactivate. Each reads its fields, asks the store once,
 * and puts the result into words. With {@code "explain": true} the answer also has the reason and what is known about
 * the license.
 */
final class MachineCalls {
    private static final String DEACTIVATED = "{\"success\":true}";
    private static final Reply VALID = Reply.ok("{\"success\":true,\"premium\":true}");
    private static final Reply NOT_VALID = Reply.ok("{\"success\":false,\"premium\":false}");

    /**
     * Limits changes only. The least is as many as the store has connections, the most is what it does in a twentieth
     * of a second. Reads share one connection and do not wait for each other, so they need no limit but that
     * connection's own.
     */
    private final CallLimit changes = new CallLimit("changes", 16, 256);

    private final LicenseStore licenses;
    private final Validations validations;
    private final Policy policy;
    private final InstantSource clock;

    MachineCalls(LicenseStore licenses, Validations validations, Policy policy, InstantSource clock) {
        this.licenses = licenses;
        this.validations = validations;
        this.policy = policy;
        this.clock = clock;
    }

    List<Route> routes() {
        return List.of(
                Route.call("/activate", this::activate)
                        .takes("key", "machineId", "label", "explain")
                        .limitedBy(changes)
                        .refuses(
                                Refusals.KEY_AND_MACHINE_REQUIRED,
                                Refusals.MACHINE_INVALID,
                                Refusals.LICENSE_NOT_FOUND,
                                Refusals.LICENSE_DISABLED,
                                Refusals.LICENSE_EXPIRED,
                                Refusals.LIMIT_EXCEEDED,
                                Refusals.TOO_MANY_NEW_MACHINES),
                Route.call("/validate", this::validate).takes("key", "machineId", "explain"),
                Route.call("/deactivate", this::deactivate)
                        .takes("key", "machineId", "explain")
                        .limitedBy(changes)
                        .refuses(
                                Refusals.KEY_AND_MACHINE_REQUIRED,
                                Refusals.MACHINE_INVALID,
                                Refusals.LICENSE_NOT_FOUND));
    }

    private Future<Reply> activate(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        return onMachine(fields, (key, machineId) -> {
            String label = fields.line("label", Machine.MAX_LABEL_LENGTH);
            return licenses.update(key, license -> Rules.activate(license, machineId, label, policy, now))
                    .map(answer -> {
                        validations.noteActivated(answer, machineId, now);
                        return reply(fields, answer, activated(answer));
                    });
        });
    }

    private static String activated(Answer answer) {
        License license = answer.license();
        return "{\"success\":true,\"premium\":true,\"remainingSlots\":"
                + (license == null ? 0 : license.remainingSlots()) + "}";
    }

    private Future<Reply> deactivate(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        return onMachine(
                fields,
                (key, machineId) -> licenses.update(key, license -> Rules.deactivate(license, machineId, now))
                        .map(answer -> reply(fields, answer, DEACTIVATED)));
    }

    /** Checks the fields of activate and deactivate before the license is looked for. */
    private static Future<Reply> onMachine(Fields fields, BiFunction<LicenseKey, String, Future<Reply>> call) {
        String key = fields.text("key");
        String machineId = fields.text("machineId");
        if (key == null || machineId == null) {
            return Future.succeededFuture(Refusals.KEY_AND_MACHINE_REQUIRED);
        }
        if (!Machine.isValidId(machineId)) {
            return Future.succeededFuture(Refusals.MACHINE_INVALID);
        }
        return LicenseKey.parse(key)
                .map(known -> call.apply(known, machineId))
                .orElseGet(
                        () -> Future.succeededFuture(reply(fields, new Answer(Verdict.NOT_FOUND, null), DEACTIVATED)));
    }

    private static Reply reply(Fields fields, Answer answer, String success) {
        Reply reply = answer.verdict() == Verdict.OK ? Reply.ok(success) : Refusals.of(answer.verdict());
        return fields.isTrue("explain") ? explained(reply, answer) : reply;
    }

    private Future<Reply> validate(Call call) {
        Fields fields = call.fields();
        Instant now = clock.instant();
        String key = fields.text("key");
        String machineId = fields.text("machineId");
        Optional<LicenseKey> known = key == null || machineId == null || !Machine.isValidId(machineId)
                ? Optional.empty()
                : LicenseKey.parse(key);
        if (known.isEmpty() || machineId == null) {
            return Future.succeededFuture(validated(fields, new Answer(Verdict.NOT_FOUND, null)));
        }
        Future<Answer> answer = validations.validate(known.get(), machineId, now);
        // From the cache it is there already, and needs no future that waits for it.
        return answer.succeeded()
                ? Future.succeededFuture(validated(fields, answer.result()))
                : answer.map(told -> validated(fields, told));
    }

    private static Reply validated(Fields fields, Answer answer) {
        Reply reply = answer.verdict() == Verdict.OK ? VALID : NOT_VALID;
        return fields.isTrue("explain") ? explained(reply, answer) : reply;
    }

    /** Adds to an answer its reason and, if there is a license, what a client may know about it. */
    private static Reply explained(Reply reply, Answer answer) {
        JsonObject body =
                reply.body().toJsonObject().put("reason", answer.verdict().word());
        @Nullable License license = answer.license();
        if (license != null) {
            Instant expiresAt = license.terms().expiresAt();
            body.put("expiresAt", expiresAt == null ? null : expiresAt.toEpochMilli())
                    .put("maxMachines", license.maxMachines())
                    .put("remainingSlots", license.remainingSlots());
        }
        return new Reply(reply.status(), body.toBuffer());
    }
}
