package licenseserver.license;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/**
 * A license: what a customer bought, and the machines it is active on. A value; {@code with…} makes the next one.
 *
 * @param key what the customer types
 * @param email the buyer's address as it was given; two addresses are compared as {@link Email}
 * @param createdAt when it was registered, to the millisecond
 * @param maxMachines how many machines may be active at a time
 * @param disabled whether it was switched off by hand
 * @param machines the active machines in the order of their activation; never two with the same id
 * @param unknownFields the stored fields that this version does not know, kept to the letter: JSON members with commas
 *     between them; empty where there are none
 */
public record License(
        LicenseKey key,
        String email,
        Instant createdAt,
        int maxMachines,
        boolean disabled,
        List<Machine> machines,
        String unknownFields) {

    public License {
        machines = List.copyOf(machines);
    }

    /** A new license on which no machine is active. */
    public static License issue(LicenseKey key, Email email, Instant now, int maxMachines) {
        return new License(key, email.address(), now.truncatedTo(ChronoUnit.MILLIS), maxMachines, false, List.of(), "");
    }

    /** Whether this license was sold to that address. */
    public boolean belongsTo(Email address) {
        return Email.of(email).equals(address);
    }

    /** Whether a machine of exactly this id holds a slot. */
    public boolean isActiveOn(String machineId) {
        for (Machine machine : machines) {
            if (machine.machineId().equals(machineId)) {
                return true;
            }
        }
        return false;
    }

    /** How many machines can still be activated; never below 0. */
    public int remainingSlots() {
        return Math.max(0, maxMachines - machines.size());
    }

    /** The same license under another key. */
    public License withKey(LicenseKey other) {
        return new License(other, email, createdAt, maxMachines, disabled, machines, unknownFields);
    }

    License withMachine(String machineId, Instant now) {
        var more = new ArrayList<>(machines);
        more.add(new Machine(machineId, now.truncatedTo(ChronoUnit.MILLIS), ""));
        return withMachines(more);
    }

    License withoutMachine(String machineId) {
        return withMachines(machines.stream()
                .filter(machine -> !machine.machineId().equals(machineId))
                .toList());
    }

    private License withMachines(List<Machine> others) {
        return new License(key, email, createdAt, maxMachines, disabled, others, unknownFields);
    }

    /** Shows the license by the end of its key only, so that it can be logged. */
    @Override
    public String toString() {
        return "License[" + key + "]";
    }
}
