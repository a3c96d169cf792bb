package licenseserver.greeting;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.Command;
import java.util.List;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;
import licenseserver.http.Call;
import licenseserver.http.Reply;
import licenseserver.http.Route;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisCommands;
import licenseserver.redis.RedisContent;
import licenseserver.redis.RedisRight;

/**
 * A capability for a test: greets people, and counts in Redis how often. It has all that a capability can have, and nothing outside
 * of its package knows it.
 */
public record Greetings(String word) implements Capability {
    private static final Setting<String> WORD =
            Setting.text("GREETING", "Hello", "The word to greet with.").matching("[A-Za-z]+", "is not a word.");

    /** Its settings. */
    public static final Section SECTION = new Section("Greetings", List.of(WORD));

    private static final String KEYS = "greetings:";
    private static final Reply NOBODY = Reply.refusal(400, "name required");

    /** Greets with the word that is set. */
    public static Greetings from(Values values) {
        return new Greetings(values.get(WORD));
    }

    @Override
    public List<RedisContent> contents() {
        return List.of(() -> List.of(RedisRight.of(KEYS + "*", "INCR")));
    }

    @Override
    public List<Route> routes(EventLoop loop) {
        return List.of(
                Route.call("/greet", call -> greet(call, loop))
                        .onlyFor(loop.admin())
                        .requires("name", NOBODY)
                        .takesOnly("name"),
                Route.page("/greeting", () -> Reply.ok(new JsonObject().put("word", word))));
    }

    private Future<Reply> greet(Call call, EventLoop loop) {
        String name = call.fields().text("name");
        String key = KEYS + name;
        return loop.redis()
                .change(key, Deadline.in(loop.redisTimeout()), RedisCommands.command(Command.INCR, key))
                .map(replies -> Reply.ok(new JsonObject()
                        .put("success", true)
                        .put("greeting", word + ", " + name)
                        .put("times", replies.get(0).toInteger())));
    }
}
