package licenseserver.redis;

import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import java.util.ArrayList;
import java.util.List;

/**
 * One thing that the user of Redis must be allowed to do: give a command for certain keys.
 *
 * @param keys the keys, as a pattern with at most one {@code *}, such as {@code idempotency:*}
 * @param command the name of the command, in upper case
 * @param namesKey whether the key is the first argument of the command
 * @param arguments the arguments, without the key, of an example that Redis would accept; it is only checked, never
 *     carried out
 */
public record RedisRight(String keys, String command, boolean namesKey, List<String> arguments) {
    /** Stands for the {@code *} of a pattern in the example. No key of any capability contains it. */
    private static final String ANY = "_CHECK_";

    /** Copies the arguments. */
    public RedisRight {
        arguments = List.copyOf(arguments);
    }

    /** The right to give a command whose first argument is a key. */
    public static RedisRight of(String keys, String command, String... furtherArguments) {
        return new RedisRight(keys, command, true, List.of(furtherArguments));
    }

    /** The right to give a command that names no key, to the server that has these keys. */
    public static RedisRight withoutKey(String keys, String command, String... arguments) {
        return new RedisRight(keys, command, false, List.of(arguments));
    }

    /** The key of the example. */
    String exampleKey() {
        return keys.replace("*", ANY);
    }

    Request example() {
        var all = new ArrayList<String>();
        if (namesKey) {
            all.add(exampleKey());
        }
        all.addAll(arguments);
        return RedisCommands.command(Command.create(command), all.toArray(String[]::new));
    }

    /** As the operator reads it, such as {@code GET on idempotency:*}. */
    @Override
    public String toString() {
        return command + " on " + keys;
    }
}
