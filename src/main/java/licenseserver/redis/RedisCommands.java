package licenseserver.redis;

import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Builds commands and reads replies. */
public final class RedisCommands {
    private RedisCommands() {}

    /** A command with these arguments, in this order. */
    public static Request command(Command command, String... arguments) {
        Request request = Request.cmd(command);
        for (String argument : arguments) {
            request.arg(argument);
        }
        return request;
    }

    /** The text of a reply; empty if Redis has no value there. */
    public static Optional<String> text(@Nullable Response reply) {
        return Optional.ofNullable(reply).map(Response::toString);
    }
}
