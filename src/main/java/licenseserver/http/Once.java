package licenseserver.http;

import io.vertx.core.Future;
import java.util.function.Supplier;

/** Carries out a call once, however often its client repeats it. */
@FunctionalInterface
public interface Once {
    /**
     * Carries out the call, or answers as it was answered the first time.
     *
     * @param answer carries it out; its reply is that of a failure if it fails, so its future never does
     */
    Future<Reply> once(Call call, Supplier<Future<Reply>> answer);
}
