package licenseserver.bench;

import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import licenseserver.Await;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Terms;
import licenseserver.store.LicenseJson;

/**
 * A range of licenses, each active on the machines 1 to so many.
 *
 * @param first the number of the first; ranges in one Redis must not overlap
 * @param count how many
 * @param machines how many machines each is active on
 * @param maxMachines how many machines each allows
 */
record Licenses(int first, int count, int machines, int maxMachines) {
    /** Machines written in one command. */
    private static final int BATCH = 3_000;

    /** The key of a license by its number within the range, counted from 0; reads as one that was issued. */
    String key(int number) {
        String digits = "%016d".formatted(first + number).replace('0', 'A').replace('1', 'B');
        return digits.substring(0, 4) + "-" + digits.substring(4, 8) + "-" + digits.substring(8, 12) + "-"
                + digits.substring(12);
    }

    /** The id of a machine by its number, counted from 1. */
    static String machineId(int number) {
        return "machine-%06d".formatted(number);
    }

    /** Any license of the range. */
    String anyKey() {
        return key(ThreadLocalRandom.current().nextInt(count));
    }

    /** Validates any license on any of its machines. */
    Call validateAny() {
        return Call.validate(anyKey(), machineId(1 + ThreadLocalRandom.current().nextInt(machines)));
    }

    /**
     * Puts them into Redis as the server would have stored them, with machines that were activated just now. So their
     * validations are not signs of life worth a write.
     */
    void load(Vertx vertx, String redisUrl) {
        load(vertx, redisUrl, Instant.now());
    }

    /** Does the same with machines that were activated at another time. */
    void load(Vertx vertx, String redisUrl, Instant activatedAt) {
        Instant now = activatedAt.truncatedTo(ChronoUnit.MILLIS);
        List<Machine> active = IntStream.rangeClosed(1, machines)
                .mapToObj(number -> new Machine(machineId(number), now, null, null, ""))
                .toList();
        Redis redis = Redis.createClient(vertx, redisUrl);
        int step = Math.max(1, BATCH / (1 + machines));
        for (int start = 0; start < count; start += step) {
            Request set = Request.cmd(Command.MSET);
            for (int number = start; number < Math.min(count, start + step); number++) {
                String key = key(number);
                String email = "customer-" + (first + number) + "@example.com";
                License license = new License(
                        new LicenseKey(key), email, now, Terms.of(maxMachines), false, null, active, List.of(), "");
                set.arg("license:" + key).arg(LicenseJson.encode(license));
                set.arg("email:" + email).arg(key);
            }
            Await.await(redis.send(set));
        }
        redis.close();
    }
}
