package licenseserver.license;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A license: what a customer bought, and the machines it is active on. A value; {@code with…} makes the next one.
 *
 * @param key what the customer types
 * @param email the buyer's address as it was given; two addresses are compared as {@link Email}
 * @param createdAt when it was registered, to the millisecond
 * @param terms what was sold
 * @param disabled whether it was switched off by hand
 * @param disabledReason why it was; null where nobody said, or it is not
 * @param machines the active machines in the order of their activation; never two with the same id
 * @param newMachines where new machines are counted, those of the last 30 days, active or not, in the order of their first
 *     activation; else empty
 * @param unknownFields the stored fields that this version does not know, kept to the letter: JSON members with commas
 *     between them; empty where there are none
 */
public record License(
        LicenseKey key,
        String email,
        Instant createdAt,
        Terms terms,
        boolean disabled,
        @Nullable String disabledReason,
        List<Machine> machines,
        List<Machine> newMachines,
        String unknownFields) {

    public License {
        machines = List.copyOf(machines);
        newMachines = List.copyOf(newMachines);
    }

    /** A new license on which no machine is active. */
    public static License issue(LicenseKey key, Email email, Instant now, Terms terms) {
        return new License(
                key, email.address(), now.truncatedTo(ChronoUnit.MILLIS), terms, false, null, List.of(), List.of(), "");
    }

    /** Whether this license was sold to that address. */
    public boolean belongsTo(Email address) {
        return Email.of(email).equals(address);
    }

    /** How many machines may be active at a time. */
    public int maxMachines() {
        return terms.maxMachines();
    }

    /** Whether its time is over. */
    public boolean isExpired(Instant now) {
        return terms.expiresAt() != null && !now.isBefore(terms.expiresAt());
    }

    /** The machine of exactly this id, if it holds a slot. */
    public Optional<Machine> machine(String machineId) {
        for (Machine machine : machines) {
            if (machine.machineId().equals(machineId)) {
                return Optional.of(machine);
            }
        }
        return Optional.empty();
    }

    /** Whether a machine of exactly this id holds a slot. */
    public boolean isActiveOn(String machineId) {
        return machine(machineId).isPresent();
    }

    /** How many machines can still be activated; never below 0, also where more are active than are allowed by now. */
    public int remainingSlots() {
        return Math.max(0, maxMachines() - machines.size());
    }

    /** The same license under another key. */
    public License withKey(LicenseKey other) {
        return copy(other, email, terms, disabled, disabledReason, machines, newMachines);
    }

    License withEmail(Email other) {
        return copy(key, other.address(), terms, disabled, disabledReason, machines, newMachines);
    }

    License withTerms(Terms other) {
        return copy(key, email, other, disabled, disabledReason, machines, newMachines);
    }

    License disabled(boolean off, @Nullable String reason) {
        return copy(key, email, terms, off, reason, machines, newMachines);
    }

    License withMachines(List<Machine> others) {
        return copy(key, email, terms, disabled, disabledReason, others, newMachines);
    }

    License withNewMachines(List<Machine> others) {
        return copy(key, email, terms, disabled, disabledReason, machines, others);
    }

    // Takes what can change; all else stays as it is.
    private License copy(
            LicenseKey nextKey,
            String nextEmail,
            Terms nextTerms,
            boolean off,
            @Nullable String reason,
            List<Machine> active,
            List<Machine> counted) {
        return new License(nextKey, nextEmail, createdAt, nextTerms, off, reason, active, counted, unknownFields);
    }

    License withMachine(Machine machine) {
        var more = new ArrayList<>(machines);
        more.add(machine);
        return withMachines(more);
    }

    License withoutMachine(String machineId) {
        return withMachines(machines.stream()
                .filter(machine -> !machine.machineId().equals(machineId))
                .toList());
    }

    /** Shows the license by the end of its key only, so that it can be logged. */
    @Override
    public String toString() {
        return "License[" + key + "]";
    }
}
