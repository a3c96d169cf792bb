package licenseserver;

import static licenseserver.capability.Capability.declare;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import licenseserver.capability.Capability;
import licenseserver.config.ConfigException;
import licenseserver.greeting.Greetings;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** A capability is one package and one line: {@link Greetings} works without a change to anything else. */
@TestInstance(Lifecycle.PER_CLASS)
class CapabilityIT {
    private static final List<Capability.Declaration> CAPABILITIES = withGreetings();

    private TestServer server;

    private static List<Capability.Declaration> withGreetings() {
        var capabilities = new ArrayList<>(Wiring.CAPABILITIES);
        capabilities.add(declare(Greetings.SECTION, Greetings::from)); // the one line
        return capabilities;
    }

    private static Configuration config(String redisUrl, Map<String, String> settings) {
        var environment = new HashMap<>(settings);
        environment.putAll(
                Map.of("HOST", "127.0.0.1", "PORT", "0", "REDIS_URL", redisUrl, "ADMIN_SECRET", HttpCalls.SECRET));
        return Configuration.load(environment, CAPABILITIES);
    }

    @BeforeAll
    void start() {
        server = TestServer.start(config(RedisForTests.url(), Map.of("GREETING", "Ahoy")));
    }

    @AfterAll
    void stop() {
        server.close();
    }

    private static JsonObject named(String name) {
        return new JsonObject().put("name", name);
    }

    @Test
    void answers_its_calls_and_keeps_its_data() {
        String name = Concurrency.randomEmail();

        Wait.until("the server is ready", () -> server.calls().get("/readyz").status() == 200);
        server.calls().post("/greet", named(name));

        assertThat(server.calls().post("/greet", named(name)).body())
                .isEqualTo("{\"success\":true,\"greeting\":\"Ahoy, " + name + "\",\"times\":2}");
        assertThat(server.calls().get("/greeting").body()).isEqualTo("{\"word\":\"Ahoy\"}");
    }

    @Test
    void is_told_of_every_change_before_its_own_calls_are_answered() {
        Wait.until("the server is ready", () -> server.calls().get("/readyz").status() == 200);
        String key = server.calls().register(Concurrency.randomEmail());
        assertThat(machines(key)).isEqualTo("0");

        server.calls().activate(key, "laptop");
        server.calls().activate(key, "desktop");
        assertThat(machines(key)).isEqualTo("2");

        server.calls().deactivate(key, "laptop");
        assertThat(machines(key)).isEqualTo("1");

        String newKey = server.calls()
                .post("/rotate-key", new JsonObject().put("key", key).put("keepMachines", true))
                .json()
                .getString("key");
        assertThat(machines(key)).isEqualTo("unknown");
        assertThat(machines(newKey)).isEqualTo("1");

        server.calls().post("/delete-license", new JsonObject().put("key", newKey));
        assertThat(machines(newKey)).isEqualTo("unknown");
    }

    private String machines(String key) {
        return server.calls()
                .post("/greeted-machines", new JsonObject().put("key", key))
                .json()
                .getString("machines");
    }

    @Test
    void is_asked_along_the_same_road_as_every_call() {
        assertThat(server.calls().post("/greet", new JsonObject()).status()).isEqualTo(400);
        assertThat(server.calls().post("/greet", named("A").put("nmae", "B")).body())
                .contains("Unknown field: nmae");
        assertThat(new HttpCalls(server.port(), "wrong")
                        .post("/greet", named("A"))
                        .status())
                .isEqualTo(401);
    }

    @Test
    void stops_the_start_if_a_setting_of_its_own_cannot_be_used() {
        assertThatThrownBy(() -> config(RedisForTests.url(), Map.of("GREETING", "?!")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("GREETING is not a word");
    }

    @Test
    void has_its_rights_checked() throws Exception {
        try (RedisProcess redis = RedisProcess.start()) {
            redis.tell("ACL", "SETUSER", "narrow", "on", ">password", "~*", "+@all", "-incr");
            var out = new ByteArrayOutputStream();

            Check.run(
                    config("redis://narrow:password@127.0.0.1:" + redis.port(), Map.of()),
                    new PrintStream(out, true, StandardCharsets.UTF_8));

            assertThat(out.toString(StandardCharsets.UTF_8)).contains("INCR on greetings:*");
        }
    }
}
