package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signs of life of machines when the program stops. */
class LastSeenIT {
    @TempDir
    Path folder;

    private JarProcess start(RedisProcess redis) {
        return JarProcess.start(
                folder,
                Map.of(
                        "HOST",
                        "127.0.0.1",
                        "PORT",
                        "0",
                        "REDIS_URL",
                        redis.url(),
                        "SHUTDOWN_TIMEOUT_SECONDS",
                        "4",
                        "ADMIN_SECRET",
                        HttpCalls.SECRET));
    }

    private static HttpCalls ready(JarProcess server) {
        var calls = new HttpCalls(server.port());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        return calls;
    }

    /** A license on a machine that was not seen since it was activated, long ago. */
    private static String longUnseen(RedisProcess redis, String key) {
        redis.tell(
                "SET",
                "license:" + key,
                "{\"key\":\"" + key + "\",\"email\":\"ada@example.com\",\"createdAt\":1719000000000,\"maxMachines\":3,"
                        + "\"disabled\":false,\"machines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000000}]}");
        return key;
    }

    @Test
    void are_written_before_it_ends() {
        try (RedisProcess redis = RedisProcess.start()) {
            String key = longUnseen(redis, "K7FH-WP3A-M9QZ-B2CD");
            long before = System.currentTimeMillis();
            try (JarProcess server = start(redis)) {
                assertThat(ready(server).validate(key, "laptop").succeeded()).isTrue();
                server.terminate();
                assertThat(server.exitStatus()).isZero();
            }

            try (JarProcess next = start(redis)) {
                JsonObject machine =
                        ready(next).license(key).getJsonArray("machines").getJsonObject(0);
                assertThat(machine.getLong("lastSeenAt")).isBetween(before - 60_000, System.currentTimeMillis());
            }
        }
    }

    @Test
    void do_not_hold_it_up_for_long_if_redis_does_not_answer() {
        try (RedisProcess redis = RedisProcess.start()) {
            List<String> keys = List.of(
                    longUnseen(redis, "K7FH-WP3A-M9QZ-B2CD"),
                    longUnseen(redis, "K7FH-WP3A-M9QZ-B2CE"),
                    longUnseen(redis, "K7FH-WP3A-M9QZ-B2CF"));
            try (JarProcess server = start(redis)) {
                HttpCalls calls = ready(server);
                keys.forEach(key ->
                        assertThat(calls.validate(key, "laptop").succeeded()).isTrue());
                redis.freeze();
                long begin = System.nanoTime();

                server.terminate();

                assertThat(server.exitStatus()).isZero();
                assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(4));
                redis.thaw();
            }
        }
    }
}
