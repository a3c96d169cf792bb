package licenseserver.http;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.BiFunction;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;
import licenseserver.license.Verdict;
import licenseserver.store.LicenseJson;
import licenseserver.store.LicenseStore;

/** The five calls: each reads its fields, makes one call to the store, and words the answer. */
final class LicenseCalls {
    private static final Reply DEACTIVATED = Reply.ok("{\"success\":true}");
    private static final Reply VALID = Reply.ok("{\"success\":true,\"premium\":true}");
    private static final Reply NOT_VALID = Reply.ok("{\"success\":false,\"premium\":false}");

    private final LicenseStore licenses;
    private final int maxMachines;
    private final InstantSource clock;
    private final SecureRandom random = new SecureRandom();

    /**
     * The calls on a store.
     *
     * @param maxMachines how many machines a new license allows
     */
    LicenseCalls(LicenseStore licenses, int maxMachines, InstantSource clock) {
        this.licenses = licenses;
        this.maxMachines = maxMachines;
        this.clock = clock;
    }

    Future<Reply> register(Fields fields) {
        String given = fields.text("email");
        if (given == null) {
            return Future.succeededFuture(Reply.EMAIL_REQUIRED);
        }
        Optional<Email> email = Email.parse(given);
        if (email.isEmpty()) {
            return Future.succeededFuture(Reply.EMAIL_INVALID);
        }
        return register(email.get());
    }

    private Future<Reply> register(Email email) {
        Instant now = clock.instant();
        return licenses.register(email, () -> License.issue(LicenseKey.random(random), email, now, maxMachines))
                .map(registration -> registration.created()
                        ? Reply.ok(new JsonObject()
                                .put("success", true)
                                .put("key", registration.key().value())
                                .put("email", email.address()))
                        : Reply.ok(new JsonObject()
                                .put("success", false)
                                .put("message", "Email already registered")
                                .put("key", registration.key().value())));
    }

    Future<Reply> info(Fields fields) {
        return find(fields)
                .map(found -> found.map(LicenseJson::encode)
                        .map(license -> Reply.ok("{\"success\":true,\"license\":" + license + "}"))
                        .orElse(Reply.LICENSE_NOT_FOUND));
    }

    private Future<Optional<License>> find(Fields fields) {
        String key = fields.text("key");
        if (key != null) {
            return LicenseKey.parse(key).map(licenses::find).orElse(Future.succeededFuture(Optional.empty()));
        }
        return Optional.ofNullable(fields.text("email"))
                .flatMap(Email::parse)
                .map(licenses::findByEmail)
                .orElse(Future.succeededFuture(Optional.empty()));
    }

    Future<Reply> activate(Fields fields) {
        Instant now = clock.instant();
        return onMachine(
                fields,
                (key, machineId) -> licenses.update(key, license -> Rules.activate(license, machineId, now))
                        .map(activation -> activation.verdict() == Verdict.OK
                                ? Reply.ok("{\"success\":true,\"premium\":true,\"remainingSlots\":"
                                        + activation.remainingSlots() + "}")
                                : Reply.refusal(activation.verdict())));
    }

    Future<Reply> deactivate(Fields fields) {
        return onMachine(
                fields,
                (key, machineId) -> licenses.update(key, license -> Rules.deactivate(license, machineId))
                        .map(verdict -> verdict == Verdict.OK ? DEACTIVATED : Reply.refusal(verdict)));
    }

    /** What activate and deactivate ask of their fields before they look for the license. */
    private static Future<Reply> onMachine(Fields fields, BiFunction<LicenseKey, String, Future<Reply>> call) {
        String key = fields.text("key");
        String machineId = fields.text("machineId");
        if (key == null || machineId == null) {
            return Future.succeededFuture(Reply.KEY_AND_MACHINE_REQUIRED);
        }
        if (!Machine.isValidId(machineId)) {
            return Future.succeededFuture(Reply.MACHINE_INVALID);
        }
        return LicenseKey.parse(key)
                .map(known -> call.apply(known, machineId))
                .orElse(Future.succeededFuture(Reply.LICENSE_NOT_FOUND));
    }

    Future<Reply> validate(Fields fields) {
        String key = fields.text("key");
        String machineId = fields.text("machineId");
        if (key == null || machineId == null || !Machine.isValidId(machineId)) {
            return Future.succeededFuture(NOT_VALID);
        }
        return LicenseKey.parse(key)
                .map(known -> licenses.find(known)
                        .map(license ->
                                Rules.validate(license.orElse(null), machineId) == Verdict.OK ? VALID : NOT_VALID))
                .orElse(Future.succeededFuture(NOT_VALID));
    }
}
