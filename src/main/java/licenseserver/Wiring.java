package licenseserver;

import java.util.List;
import java.util.function.Supplier;
import licenseserver.api.LicenseCalls;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.health.Health;
import licenseserver.health.Readiness;
import licenseserver.http.Routes;
import licenseserver.idempotency.RedisIdempotencyStore;
import licenseserver.redis.RedisContent;
import licenseserver.store.StoreCheckup;
import licenseserver.welcome.Welcome;

/** Everything that the server can do: the one list of its capabilities. */
final class Wiring {
    private Wiring() {}

    /** All capabilities, each on one line. */
    static List<Capability> capabilities(Configuration config, Supplier<Readiness> readiness) {
        return List.of(
                new LicenseCalls(config.licenses()), // registered, changed, activated, validated
                new Health(Version.text(), readiness), // /livez, /readyz
                new Welcome()); // the page at /
    }

    /** What the packages that keep data in Redis keep there, for the checkup. */
    static List<RedisContent> contents(Configuration config) {
        return List.of(new StoreCheckup(config.store().nearCache()), RedisIdempotencyStore.CONTENT);
    }

    /** The paths of all capabilities, answered on one event loop. */
    static Routes routes(List<Capability> capabilities, EventLoop loop) {
        return new Routes(capabilities.stream()
                .flatMap(capability -> capability.routes(loop).stream())
                .toList());
    }
}
