package licenseserver.license;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A license: what a customer bought, and the machines that it is active on. It does not change; the {@code with…}
 * methods make a changed copy.
 *
 * @param key the key that the customer types
 * @param email the buyer's address as it was given; {@link Email} compares addresses
 * @param createdAt when it was registered, to the millisecond
 * @param terms what was sold
 * @param disabled whether someone has switched it off
 * @param disabledReason why it was switched off; null if it was not, or if nobody gave a reason
 * @param machines the active machines in the order in which they were activated; no two have the same id
 * @param newMachines the machines that were new in the last 30 days, active or not, in the order of their first
 *     activation; empty if new machines are not counted
 * @param unknownFields the stored fields that this version does not know, exactly as they were read: JSON members
 *     separated by commas; empty if there are none
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

    /** Makes a new license that is not active on any machine. */
    public static License issue(LicenseKey key, Email email, Instant now, Terms terms) {
        return new License(
                key, email.address(), now.truncatedTo(ChronoUnit.MILLIS), terms, false, null, List.of(), List.of(), "");
    }

    /** Returns whether this license was sold to that address. */
    public boolean belongsTo(Email address) {
        return Email.of(email).equals(address);
    }

    /** Returns how many machines may be active at a time. */
    public int maxMachines() {
        return terms.maxMachines();
    }

    /** Returns whether the license has expired. */
    public boolean isExpired(Instant now) {
        return terms.expiresAt() != null && !now.isBefore(terms.expiresAt());
    }

    /** Returns the active machine with exactly this id; empty if there is none. */
    public Optional<Machine> machine(String machineId) {
        for (Machine machine : machines) {
            if (machine.machineId().equals(machineId)) {
                return Optional.of(machine);
            }
        }
        return Optional.empty();
    }

    /** Returns whether a machine with exactly this id is active. */
    public boolean isActiveOn(String machineId) {
        return machine(machineId).isPresent();
    }

    /** Returns how many more machines can be activated: 0 also if more are active than are allowed by now. */
    public int remainingSlots() {
        return Math.max(0, maxMachines() - machines.size());
    }

    /** Returns this license with another key. */
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

    // What no change touches is passed on here and nowhere else.
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

    /** Shows only the end of the key, so that it can be logged. */
    @Override
    public String toString() {
        return "License[" + key + "]";
    }
}
