package licenseserver.store;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;

/**
 * The signs of life that lie beside a license: a hash in Redis that has the minute of each machine's latest
 * {@link Sign} under the digest of the machine's id, both as decimal numbers.
 */
record StoredSigns(Map<Long, Integer> minutes) {
    /** Reads the reply to HGETALL. Ignores what this server would not have written. */
    static StoredSigns of(Response reply) {
        Map<Long, Integer> minutes = new HashMap<>();
        for (String machine : reply.getKeys()) {
            try {
                minutes.put(
                        Long.valueOf(machine),
                        Integer.valueOf(reply.get(machine).toString()));
            } catch (NumberFormatException notOurs) {
                // Someone else wrote it, and a license works without it.
            }
        }
        return new StoredSigns(minutes);
    }

    /** Returns the license with those signs that are later than what its record says. */
    License on(License license) {
        return minutes.isEmpty()
                ? license
                : Rules.seen(license, machineId -> {
                    Integer minute = minutes.get(Sign.digest(machineId));
                    return minute == null ? null : Sign.time(minute);
                });
    }

    /** Returns the command that removes the signs of machines that are not active; empty if there are none. */
    List<Request> removal(LicenseKey key, License license) {
        if (minutes.isEmpty()) {
            return List.of();
        }
        Set<Long> surplus = new HashSet<>(minutes.keySet());
        for (Machine machine : license.machines()) {
            surplus.remove(Sign.digest(machine.machineId()));
        }
        if (surplus.isEmpty()) {
            return List.of();
        }
        Request removal = command(Command.HDEL, RedisKeys.signs(key));
        surplus.forEach(machine -> removal.arg(machine.toString()));
        return List.of(removal);
    }
}
