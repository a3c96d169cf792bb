package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import licenseserver.redis.RedisRight;
import org.junit.jupiter.api.Test;

/** Every command that reaches a key is one of the rights that a capability has declared. */
class RightsIT {
    /** As MONITOR shows a command: the time, the database, the client, and each word in quotation marks. */
    private static final Pattern SHOWN = Pattern.compile("^\\+\\S+ \\[[^]]*] \"([^\"]*)\"(?: \"([^\"]*)\")?.*");

    /** Commands that name no key. */
    private static final Set<String> WITHOUT_KEY = Set.of(
            "MULTI", "EXEC", "DISCARD", "UNWATCH", "PING", "HELLO", "AUTH", "SELECT", "CLIENT", "INFO", "TIME",
            "CONFIG", "SCAN");

    private static final String LAST = "the-last-one";

    @Test
    void a_server_uses_no_key_that_its_rights_do_not_cover() throws IOException {
        try (RedisProcess redis = RedisProcess.start()) {
            RedisUser.create(redis);
            try (var monitor = new Socket(InetAddress.getLoopbackAddress(), redis.port())) {
                monitor.getOutputStream().write("MONITOR\r\n".getBytes(StandardCharsets.US_ASCII));
                var shown = new BufferedReader(new InputStreamReader(monitor.getInputStream(), StandardCharsets.UTF_8));
                assertThat(shown.readLine()).isEqualTo("+OK");
                // The rights that the page lists are enough: else it would not become ready.
                String url = "redis://" + RedisUser.LOGIN + "@127.0.0.1:" + redis.port();
                try (TestServer server = TestServer.startReady(url, "NEAR_CACHE", "true")) {
                    callEverything(server.calls(), redis);
                }
                redis.ask("ECHO " + LAST);

                List<Used> used = untilLast(shown);

                List<RedisRight> rights = RightsTest.declared();
                assertThat(used).extracting(Used::command).contains("XADD", "RPUSH", "DEL", "WATCH");
                assertThat(used)
                        .filteredOn(use -> rights.stream().noneMatch(right -> covers(right, use)))
                        .isEmpty();
            }
        }
    }

    private static void callEverything(HttpCalls calls, RedisProcess redis) {
        String email = Concurrency.randomEmail();
        JsonObject customer = new JsonObject().put("email", email);
        String key = succeeding(calls.postOnce("an-order", "/register-license", customer))
                .getString("key");
        assertThat(calls.postOnce("an-order", "/register-license", customer).status())
                .isEqualTo(200);
        succeeding(calls.activate(key, "machine"));
        succeeding(calls.validate(key, "machine"));
        succeeding(calls.deactivate(key, "machine"));
        succeeding(calls.post("/license-info", customer));
        succeeding(calls.post("/disable-license", customer));
        succeeding(calls.post("/enable-license", customer));
        succeeding(calls.post("/reset-machines", customer));
        customer = new JsonObject().put("email", "new-" + email);
        succeeding(calls.post(
                "/update-license", new JsonObject().put("key", key).put("newEmail", customer.getString("email"))));
        succeeding(calls.post("/rotate-key", customer));
        succeeding(calls.post("/license-history", customer));
        // An event is written there a moment after it happened.
        Wait.until(
                "the events are shown",
                () -> calls.post("/recent-events", new JsonObject()).body().contains("key_rotated"));
        succeeding(calls.post("/delete-license", customer));
        redis.tell("SET", "license:UNREADABLE", "{}");
        succeeding(calls.post("/delete-license", new JsonObject().put("key", "UNREADABLE")));
    }

    private static JsonObject succeeding(HttpCalls.Answer answer) {
        assertThat(answer.succeeded()).as(answer.body()).isTrue();
        return answer.json();
    }

    /** A command that Redis carried out, and the first word after it. */
    private record Used(String command, String key) {}

    private static List<Used> untilLast(BufferedReader shown) throws IOException {
        var used = new ArrayList<Used>();
        while (true) {
            Matcher line = SHOWN.matcher(shown.readLine());
            assertThat(line.matches()).isTrue();
            String command = line.group(1).toUpperCase(Locale.ROOT);
            if (LAST.equals(line.group(2))) {
                return used;
            }
            if (!WITHOUT_KEY.contains(command)) {
                used.add(new Used(command, line.group(2)));
            }
        }
    }

    /** WATCH needs no right of its own: whatever is watched is also read or written. */
    private static boolean covers(RedisRight right, Used use) {
        String keys = "\\Q" + right.keys().replace("*", "\\E.*\\Q") + "\\E";
        return use.key().matches(keys)
                && (use.command().equals("WATCH") || use.command().equals(right.command()));
    }
}
