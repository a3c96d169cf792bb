package licenseserver;

import static licenseserver.capability.Capability.declare;

import java.util.List;
import java.util.stream.Stream;
import licenseserver.api.LicenseCalls;
import licenseserver.api.LicenseSettings;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.event.Outbox;
import licenseserver.event.Subscriber;
import licenseserver.health.Health;
import licenseserver.http.Routes;
import licenseserver.idempotency.RedisIdempotencyStore;
import licenseserver.redis.RedisContent;
import licenseserver.store.StoreCheckup;
import licenseserver.welcome.Welcome;

/** Everything that the server can do: the one list of its capabilities. */
final class Wiring {
    /** All capabilities, each on one line. */
    static final List<Capability.Declaration> CAPABILITIES = List.of(
            declare(LicenseSettings.SECTION, values -> new LicenseCalls(LicenseSettings.from(values))),
            declare(() -> new Health(Version.text())),
            declare(Welcome::new));

    private Wiring() {}

    /** What lies in Redis: licenses, what has happened to them, answers that are remembered, and what capabilities keep. */
    static List<RedisContent> contents(Configuration config) {
        return Stream.concat(
                        Stream.of(
                                new StoreCheckup(config.store().nearCache(), config.signsHistories()),
                                Outbox.CONTENT,
                                RedisIdempotencyStore.CONTENT),
                        config.capabilities().stream().flatMap(each -> each.contents().stream()))
                .toList();
    }

    /** What all capabilities want to be told of changes, on one event loop. */
    static List<Subscriber> subscribers(List<Capability> capabilities, EventLoop loop) {
        return capabilities.stream()
                .flatMap(capability -> capability.subscribers(loop).stream())
                .toList();
    }

    /** The paths of all capabilities, answered on one event loop. */
    static Routes routes(List<Capability> capabilities, EventLoop loop) {
        return new Routes(capabilities.stream()
                .flatMap(capability -> capability.routes(loop).stream())
                .toList());
    }
}
