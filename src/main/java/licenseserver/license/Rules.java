package licenseserver.license;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Save;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import org.jspecify.annotations.Nullable;

/**
 * All rules of licensing, as pure functions: they take a license, a request and the time, and return a decision.
 *
 * <p>The order of the checks is a rule, too, and the same for every call: unknown, disabled, expired, already active,
 * full, too many new machines. A license that is {@code null} does not exist. Where a method takes {@code now}, that
 * is the time of the call.
 */
public final class Rules {
    /** How long a machine counts as new. */
    public static final Duration NEW_MACHINES_PERIOD = Duration.ofDays(30);

    /** A sign of life is written only if it is newer than the stored one by at least this. */
    public static final Duration SEEN_GRAIN = Duration.ofHours(1);

    private Rules() {}

    /**
     * Activates the license on a machine. This can be repeated: an active machine keeps its slot. If all slots are
     * taken and {@code idleDays} is set, the machine that was not seen for the longest time loses its slot if that is
     * long enough.
     *
     * @param label what people call the machine, which replaces the label of an active machine; null to leave it as it
     *     is
     * @param policy holds if the terms of the license do not say
     */
    public static Decision<Answer> activate(
            @Nullable License license, String machineId, @Nullable String label, Policy policy, Instant now) {
        if (license == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        if (license.disabled()) {
            return refuse(Verdict.DISABLED, license);
        }
        if (license.isExpired(now)) {
            return refuse(Verdict.EXPIRED, license);
        }
        Optional<Machine> active = license.machine(machineId);
        if (active.isPresent()) {
            return label == null || label.equals(active.get().label())
                    ? new Keep<>(new Answer(Verdict.OK, license))
                    : labelled(license, active.get(), label, now);
        }
        var events = new ArrayList<Event>();
        License roomy = license;
        if (license.machines().size() >= license.maxMachines()) {
            Optional<Machine> idle = longestIdle(license, policy, now);
            if (idle.isEmpty() || license.machines().size() > license.maxMachines()) {
                return refuse(Verdict.LIMIT_EXCEEDED, license);
            }
            events.add(event(now, What.DEACTIVATED, Actor.POLICY, idle.get().machineId(), null, "idle"));
            roomy = license.withoutMachine(idle.get().machineId());
        }
        var machine = new Machine(machineId, now.truncatedTo(ChronoUnit.MILLIS), label, null, "");
        Optional<License> counted = count(roomy, machine, policy, now);
        if (counted.isEmpty()) {
            // If the machine is not idle after all, the license is full.
            return new Keep<>(new Answer(Verdict.TOO_MANY_NEW_MACHINES, license), !events.isEmpty());
        }
        events.add(event(now, What.ACTIVATED, Actor.CLIENT, machineId, null, label));
        License activated = counted.get().withMachine(machine);
        return new Save<>(activated, events, new Answer(Verdict.OK, activated));
    }

    private static Save<Answer> labelled(License license, Machine machine, String label, Instant now) {
        License next = license.withMachines(license.machines().stream()
                .map(each -> each.equals(machine) ? each.labelled(label) : each)
                .toList());
        var event = event(now, What.UPDATED, Actor.CLIENT, machine.machineId(), machine.label(), label);
        return new Save<>(next, List.of(event), new Answer(Verdict.OK, next));
    }

    private static Keep<Answer> refuse(Verdict verdict, @Nullable License license) {
        return new Keep<>(new Answer(verdict, license));
    }

    /** Returns the machine that may lose its slot to a new one. */
    private static Optional<Machine> longestIdle(License license, Policy policy, Instant now) {
        Integer own = license.terms().idleDays();
        int days = own == null ? policy.idleDays() : own;
        if (days == 0) {
            return Optional.empty();
        }
        Instant seenSince = now.minus(Duration.ofDays(days));
        return license.machines().stream()
                .min(Comparator.comparing(Machine::lastSign))
                .filter(machine -> machine.lastSign().isBefore(seenSince));
    }

    /** Counts the machine if it is new; empty if that is one too many. */
    private static Optional<License> count(License license, Machine machine, Policy policy, Instant now) {
        Integer own = license.terms().newMachinesPer30Days();
        int limit = own == null ? policy.newMachinesPer30Days() : own;
        if (limit == 0) {
            return Optional.of(license.newMachines().isEmpty() ? license : license.withNewMachines(List.of()));
        }
        Instant since = now.minus(NEW_MACHINES_PERIOD);
        // A machine that was activated before new ones were counted is only in the list of active ones.
        var recent = new ArrayList<>(license.newMachines());
        var known = new HashSet<String>();
        recent.forEach(counted -> known.add(counted.machineId()));
        for (Machine active : license.machines()) {
            if (known.add(active.machineId())) {
                recent.add(new Machine(active.machineId(), active.activatedAt(), null, null, ""));
            }
        }
        recent.removeIf(counted -> !counted.activatedAt().isAfter(since));
        if (recent.stream().noneMatch(counted -> counted.machineId().equals(machine.machineId()))) {
            if (recent.size() >= limit) {
                return Optional.empty();
            }
            recent.add(new Machine(machine.machineId(), machine.activatedAt(), null, null, ""));
        }
        return Optional.of(license.withNewMachines(recent));
    }

    /** Returns whether the license may be used on the machine. Nothing changes. */
    public static Answer validate(@Nullable License license, String machineId, Instant now) {
        return license == null
                ? new Answer(Verdict.NOT_FOUND, null)
                : validate(license, license.isActiveOn(machineId), now);
    }

    /** Does the same for a caller that knows whether the machine is active on the license. */
    public static Answer validate(License license, boolean isActive, Instant now) {
        if (license.disabled()) {
            return new Answer(Verdict.DISABLED, license);
        }
        if (license.isExpired(now)) {
            return new Answer(Verdict.EXPIRED, license);
        }
        return new Answer(isActive ? Verdict.OK : Verdict.NOT_ACTIVATED, license);
    }

    /**
     * Deactivates the license on a machine. The verdict is OK even if the machine is not active, or the license is
     * disabled or expired: a customer can always give up a machine.
     */
    public static Decision<Answer> deactivate(@Nullable License license, String machineId, Instant now) {
        return release(license, machineId, Actor.CLIENT, now);
    }

    /**
     * Deactivates machines on behalf of the seller.
     *
     * @param machineId the machine; null for all machines of the license
     */
    public static Decision<Answer> resetMachines(@Nullable License license, @Nullable String machineId, Instant now) {
        if (license == null || machineId != null) {
            return release(license, machineId, Actor.ADMIN, now);
        }
        if (license.machines().isEmpty()) {
            return new Keep<>(new Answer(Verdict.OK, license));
        }
        License reset = license.withMachines(List.of());
        var event = event(
                now,
                What.DEACTIVATED,
                Actor.ADMIN,
                null,
                machines(license.machines().size()),
                machines(0));
        return new Save<>(reset, List.of(event), new Answer(Verdict.OK, reset));
    }

    private static String machines(int count) {
        return count == 1 ? "1 machine" : count + " machines";
    }

    private static Decision<Answer> release(
            @Nullable License license, @Nullable String machineId, Actor by, Instant now) {
        if (license == null || machineId == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        if (!license.isActiveOn(machineId)) {
            return new Keep<>(new Answer(Verdict.OK, license));
        }
        License released = license.withoutMachine(machineId);
        var event = event(now, What.DEACTIVATED, by, machineId, null, null);
        return new Save<>(released, List.of(event), new Answer(Verdict.OK, released));
    }

    /**
     * Disables or enables a license. If it is disabled already, a new reason replaces the old one.
     *
     * @param reason a text for the seller's people; null for none
     */
    public static Decision<Answer> setDisabled(
            @Nullable License license, boolean disabled, @Nullable String reason, Instant now) {
        if (license == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        boolean nothingNew = license.disabled() == disabled
                && (reason == null || !disabled || reason.equals(license.disabledReason()));
        if (nothingNew) {
            return new Keep<>(new Answer(Verdict.OK, license));
        }
        License next = license.disabled(disabled, disabled ? reason : null);
        var event = event(now, disabled ? What.DISABLED : What.ENABLED, Actor.ADMIN, null, null, reason);
        return new Save<>(next, List.of(event), new Answer(Verdict.OK, next));
    }

    /**
     * Changes the terms or the address. Active machines stay active even if fewer are allowed by now.
     *
     * @param change returns the new terms for the present ones
     * @param newEmail the new address; null to keep the old one
     */
    public static Decision<Answer> update(
            @Nullable License license, UnaryOperator<Terms> change, @Nullable Email newEmail, Instant now) {
        if (license == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        Terms terms = change.apply(license.terms());
        var events = new ArrayList<Event>();
        for (Terms.Difference changed : license.terms().differencesTo(terms)) {
            events.add(event(now, What.UPDATED, Actor.ADMIN, changed.term(), changed.from(), changed.to()));
        }
        License next = license.withTerms(terms);
        if (newEmail != null && !license.belongsTo(newEmail)) {
            events.add(event(now, What.EMAIL_CHANGED, Actor.ADMIN, null, license.email(), newEmail.address()));
            next = next.withEmail(newEmail);
        }
        var answer = new Answer(Verdict.OK, next);
        return events.isEmpty() ? new Keep<>(answer) : new Save<>(next, events, answer);
    }

    /**
     * Gives the license another key. The old key is unknown from then on.
     *
     * @param keepMachines whether active machines stay active
     */
    public static Decision<Answer> rotateKey(
            @Nullable License license, LicenseKey newKey, boolean keepMachines, Instant now) {
        if (license == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        License rotated = license.withKey(newKey);
        License next = keepMachines ? rotated : rotated.withMachines(List.of());
        String from = license.key().toString();
        var event = event(now, What.KEY_ROTATED, Actor.ADMIN, null, from, newKey.toString());
        return new Save<>(next, List.of(event), new Answer(Verdict.OK, next));
    }

    /** Deletes the license. Its key is unknown from then on, and its e-mail is free. */
    public static Decision<Answer> delete(@Nullable License license, Instant now) {
        if (license == null) {
            return refuse(Verdict.NOT_FOUND, null);
        }
        var event = event(now, What.DELETED, Actor.ADMIN, null, null, null);
        return new Decision.Remove<>(List.of(event), new Answer(Verdict.OK, license));
    }

    /**
     * Returns the license with the times at which its machines were last seen. Ignores a time that is not later than
     * what the license says: the machine may have been deactivated and activated again since.
     *
     * @param seen returns the time for the id of a machine; null if it was not seen
     */
    public static License seen(License license, Function<String, @Nullable Instant> seen) {
        return license.withMachines(license.machines().stream()
                .map(machine -> {
                    Instant when = seen.apply(machine.machineId());
                    return when != null && when.isAfter(machine.lastSign()) ? machine.seenAt(when) : machine;
                })
                .toList());
    }

    /**
     * Returns whether it is worth a write that the machine was seen at this time: an hour or more has passed since what
     * the license says.
     */
    public static boolean isNews(Machine machine, Instant seen) {
        // In milliseconds, which are faster than instants: this runs in every validation.
        return seen.toEpochMilli() - machine.lastSign().toEpochMilli() >= SEEN_GRAIN.toMillis();
    }

    /** Returns the first event in the history of a new license. */
    public static Event registered(License license) {
        return event(license.createdAt(), What.REGISTERED, Actor.ADMIN, null, null, license.email());
    }

    /** Returns the event of a license that has replaced an unreadable record. */
    public static Event replaced(Instant now) {
        return event(now, What.UPDATED, Actor.ADMIN, "record", null, null);
    }

    private static Event event(
            Instant at, What what, Actor by, @Nullable String subject, @Nullable String from, @Nullable String to) {
        return new Event(at.truncatedTo(ChronoUnit.MILLIS), what, by, subject, from, to);
    }
}
