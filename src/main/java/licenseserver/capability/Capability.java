package licenseserver.capability;

import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.config.Section;
import licenseserver.config.Values;
import licenseserver.event.Subscriber;
import licenseserver.http.Route;
import licenseserver.redis.RedisContent;

/**
 * Something that the server can do. A capability is one package, and one line in the server's list of them: it brings
 * its settings, its routes, the rights that it needs in Redis, and its views of the licenses.
 */
public interface Capability {
    /** The paths that it answers on an event loop. */
    List<Route> routes(EventLoop loop);

    /** What it keeps in Redis, which the server must have the rights for; empty if it keeps nothing there. */
    default List<RedisContent> contents() {
        return List.of();
    }

    /** Its views of the licenses, which are told of every change; empty if it has none. */
    default List<Subscriber> subscribers(EventLoop loop) {
        return List.of();
    }

    /**
     * A capability before its settings are read.
     *
     * @param settings those that it has; empty if it has none
     * @param make makes it, and fails with {@link licenseserver.config.ConfigException} if a setting cannot be used
     */
    record Declaration(List<Section> settings, Function<Values, Capability> make) {}

    /** Declares a capability without settings. */
    static Declaration declare(Supplier<Capability> make) {
        return new Declaration(List.of(), values -> make.get());
    }

    /** Declares a capability that has these settings. */
    static Declaration declare(Section settings, Function<Values, Capability> make) {
        return new Declaration(List.of(settings), make);
    }
}
