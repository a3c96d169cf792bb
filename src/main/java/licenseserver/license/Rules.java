package licenseserver.license;

import java.time.Instant;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Save;
import org.jspecify.annotations.Nullable;

/**
 * The rules of licensing, whole: pure functions from a license, a request and a time to what is decided.
 *
 * <p>The order of the checks is policy, and the same for every call: unknown, disabled, already active, full. A license
 * of {@code null} is one that does not exist.
 */
public final class Rules {
    /**
     * The reply to an activation.
     *
     * @param remainingSlots how many machines can still be activated after this call; 0 where it was refused
     */
    public record Activation(Verdict verdict, int remainingSlots) {}

    private Rules() {}

    /** Gives the machine a slot, unless it has one; may be repeated and then uses no further slot. */
    public static Decision<Activation> activate(@Nullable License license, String machineId, Instant now) {
        if (license == null) {
            return new Keep<>(new Activation(Verdict.NOT_FOUND, 0));
        }
        if (license.disabled()) {
            return new Keep<>(new Activation(Verdict.DISABLED, 0));
        }
        if (license.isActiveOn(machineId)) {
            return new Keep<>(new Activation(Verdict.OK, license.remainingSlots()));
        }
        if (license.remainingSlots() == 0) {
            return new Keep<>(new Activation(Verdict.LIMIT_EXCEEDED, 0));
        }
        License activated = license.withMachine(machineId, now);
        return new Save<>(activated, new Activation(Verdict.OK, activated.remainingSlots()));
    }

    /** Says whether the license may be used on the machine; changes nothing. */
    public static Verdict validate(@Nullable License license, String machineId) {
        if (license == null) {
            return Verdict.NOT_FOUND;
        }
        if (license.disabled()) {
            return Verdict.DISABLED;
        }
        return license.isActiveOn(machineId) ? Verdict.OK : Verdict.NOT_ACTIVATED;
    }

    /**
     * Takes the machine's slot back. OK also where it had none and where the license is disabled: a customer can always let
     * go of a machine.
     */
    public static Decision<Verdict> deactivate(@Nullable License license, String machineId) {
        if (license == null) {
            return new Keep<>(Verdict.NOT_FOUND);
        }
        return license.isActiveOn(machineId)
                ? new Save<>(license.withoutMachine(machineId), Verdict.OK)
                : new Keep<>(Verdict.OK);
    }
}
