package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * That Redis forgets a customer when the license is deleted. Looks for the addresses and keys in all that Redis has in memory, keys
 * and values, as it writes it to its file: there is also what an entry that was only marked as deleted leaves behind.
 */
class ForgetIT {
    private static RedisProcess redis;
    private static TestServer one;
    private static TestServer two;

    private final String id = UUID.randomUUID().toString();
    private final String first = "first-" + id + "@example.com";
    private final String second = "second-" + id + "@example.com";

    @BeforeAll
    static void start() {
        redis = RedisProcess.start("--rdbcompression", "no");
        one = TestServer.startReady(redis.url());
        two = TestServer.startReady(redis.url());
    }

    @AfterAll
    static void stop() {
        one.close();
        two.close();
        redis.close();
    }

    private static JsonObject admin(TestServer server, String path, String body) {
        return server.calls().post(path, new JsonObject(body)).json();
    }

    private static String of(String key) {
        return "{\"key\":\"" + key + "\"";
    }

    /** The keys that the license had, in turn; it is deleted. */
    private List<String> live(Runnable pause) {
        String key =
                admin(one, "/register-license", "{\"email\":\"" + first + "\"}").getString("key");
        activate(one, key, "laptop");
        activate(two, key, "desktop");
        seen(key, "laptop");
        pause.run();
        admin(two, "/update-license", of(key) + ",\"newEmail\":\"" + second + "\",\"notes\":\"was " + first + "\"}");
        String newKey = admin(one, "/rotate-key", of(key) + "}").getString("key");
        activate(one, newKey, "studio");
        activate(two, newKey, "laptop");
        seen(newKey, "studio");
        admin(two, "/disable-license", of(newKey) + ",\"reason\":\"asked by " + second + "\"}");
        pause.run();
        assertThat(admin(one, "/delete-license", "{\"email\":\"" + second + "\"}")
                        .getBoolean("success"))
                .isTrue();
        return List.of(key, newKey);
    }

    private static void activate(TestServer server, String key, String machineId) {
        assertThat(server.calls().activate(key, machineId).status()).isEqualTo(200);
    }

    /** Stores a sign of life as a server does. */
    private static void seen(String key, String machineId) {
        redis.tell("HSET", "seen:{license:" + key + "}", String.valueOf(machineId.hashCode()), "28650060");
    }

    /** Waits until both servers have told of a change that came after all others, each of its own. */
    private static void waitUntilAllIsTold() {
        for (TestServer server : List.of(one, two)) {
            String marker = "marker-" + UUID.randomUUID() + "@example.com";
            admin(server, "/register-license", "{\"email\":\"" + marker + "\"}");
            Wait.until("it is told", () -> recentEvents(server).anyMatch(event -> event.contains(marker)));
        }
    }

    private static Stream<String> recentEvents(TestServer server) {
        return admin(server, "/recent-events", "{\"limit\":1000}").getJsonArray("events").stream()
                .map(Object::toString);
    }

    private static String allInRedis() {
        try {
            redis.tell("SAVE");
            Path folder = Path.of(redis.tell("CONFIG", "GET", "dir")
                    .lines()
                    .skip(1)
                    .findFirst()
                    .orElseThrow());
            return Files.readString(folder.resolve("dump.rdb"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The outbox names the key of a deleted license until the sweep has seen to it. */
    private void assertForgotten(List<String> keys) {
        Wait.until("the outbox is empty", () -> redis.tell("EXISTS", "outbox").equals("0"));
        String all = allInRedis();
        assertThat(all.contains(id)).as("an address is there").isFalse();
        for (String key : keys) {
            assertThat(Pattern.compile("(.{8})" + Pattern.quote(key), Pattern.DOTALL)
                            .matcher(all)
                            .results()
                            .map(found -> found.group(1)))
                    .as("before the key")
                    .containsExactly("license:");
            assertThat(redis.tell("GET", "license:" + key)).isEqualTo("{\"gone\":true}");
            assertThat(Long.parseLong(redis.tell("PTTL", "license:" + key))).isBetween(1L, 60_000L);
        }
    }

    private void assertToldOf(List<String> keys) {
        String deleted = keys.get(1).substring(15);
        assertThat(recentEvents(one).filter(event -> event.contains("\"…" + deleted + "\"")))
                .singleElement()
                .asString()
                .contains("\"what\":\"deleted\"");
    }

    @Test
    void what_both_servers_did_a_moment_before_the_deletion() {
        for (int i = 0; i < 20; i++) {
            List<String> keys = live(() -> {});

            waitUntilAllIsTold();

            assertForgotten(keys);
            assertToldOf(keys);
        }
    }

    @Test
    void what_was_told_long_before_the_deletion() {
        List<String> keys = live(() -> {
            waitUntilAllIsTold();
            assertThat(allInRedis()).contains(id);
        });

        assertForgotten(keys);
        assertToldOf(keys);
        waitUntilAllIsTold();
        assertForgotten(keys);
    }

    @Test
    void what_an_older_server_tells_of_the_license_after_its_deletion() {
        List<String> keys = live(() -> {});
        for (String key : keys) {
            redis.tell("XADD", "recent-events", "*", "key", key, "event", "{\"n\":1,\"to\":\"" + first + "\"}");
        }

        assertForgotten(keys);
        assertToldOf(keys);
    }

    @Test
    void an_unreadable_record_and_what_leads_to_it() {
        String name = "BAD-" + id.toUpperCase(Locale.ROOT);
        redis.tell("SET", "license:" + name, "{\"email\" : \"" + first + "\",\"maxMachines\":\"\"}");
        redis.tell("SET", "email:" + first, name);
        redis.tell("RPUSH", "events:{license:" + name + "}", first);

        admin(one, "/delete-license", of(name) + "}");

        assertForgotten(List.of(name));
    }
}
