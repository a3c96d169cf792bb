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
import licenseserver.event.Happened;
import licenseserver.event.Subscriber;
import licenseserver.http.Call;
import licenseserver.http.Reply;
import licenseserver.http.Route;
import licenseserver.license.LicenseKey;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisCommands;
import licenseserver.redis.RedisContent;
import licenseserver.redis.RedisRight;
import licenseserver.redis.RedisTransactions;
import licenseserver.redis.RedisTransactions.Change;

/**
 * A capability for a test: greets people, and counts in Redis how often; and keeps a view of how many machines each
 * license is active on. It has all that a capability can have, and nothing outside of its package knows it.
 */
public record Greetings(String word) implements Capability {
    private static final Setting<String> WORD =
            Setting.text("GREETING", "Hello", "The word to greet with.").matching("[A-Za-z]+", "is not a word.");

    /** Its settings. */
    public static final Section SECTION = new Section("Greetings", List.of(WORD));

    private static final String KEYS = "greetings:";
    private static final String MACHINES = KEYS + "machines:";
    private static final Reply NOBODY = Reply.refusal(400, "name required");

    /** Greets with the word that is set. */
    public static Greetings from(Values values) {
        return new Greetings(values.get(WORD));
    }

    @Override
    public List<RedisContent> contents() {
        return List.of(() -> List.of(
                RedisRight.of(KEYS + "*", "INCR"),
                RedisRight.of(KEYS + "*", "GET"),
                RedisRight.of(KEYS + "*", "SET", ""),
                RedisRight.of(KEYS + "*", "DEL")));
    }

    @Override
    public List<Subscriber> subscribers(EventLoop loop) {
        return List.of(happened -> Future.join(happened.stream()
                .map(Happened::key)
                .distinct()
                .map(key -> count(key, loop))
                .toList()));
    }

    private static Future<?> count(LicenseKey key, EventLoop loop) {
        String view = MACHINES + key.value();
        return new RedisTransactions(loop.vertx(), loop.redis())
                .change(
                        view,
                        List.of(),
                        Deadline.in(loop.redisTimeout()),
                        watched -> loop.licenses()
                                .find(key)
                                .map(license -> new Change<>(
                                        List.of(license.map(found -> RedisCommands.command(
                                                        Command.SET,
                                                        view,
                                                        String.valueOf(
                                                                found.machines().size())))
                                                .orElseGet(() -> RedisCommands.command(Command.DEL, view))),
                                        true)));
    }

    private static Future<Reply> machines(Call call, EventLoop loop) {
        String view = MACHINES + call.fields().text("key");
        return loop.told()
                .get()
                .compose(told -> loop.redis()
                        .read(view, Deadline.in(loop.redisTimeout()), RedisCommands.command(Command.GET, view)))
                .map(replies -> Reply.ok(new JsonObject()
                        .put("success", true)
                        .put("machines", RedisCommands.text(replies.get(0)).orElse("unknown"))));
    }

    @Override
    public List<Route> routes(EventLoop loop) {
        return List.of(
                Route.call("/greet", call -> greet(call, loop))
                        .onlyFor(loop.admin())
                        .requires("name", NOBODY)
                        .takesOnly("name"),
                Route.call("/greeted-machines", call -> machines(call, loop))
                        .onlyFor(loop.admin())
                        .requires("key", NOBODY)
                        .takesOnly("key"),
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
