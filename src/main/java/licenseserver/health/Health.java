package licenseserver.health;

import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.function.Supplier;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.http.Reply;
import licenseserver.http.Route;

/** Says whether the process runs ({@code /livez}) and whether it can answer calls ({@code /readyz} and {@code /health}). */
public final class Health implements Capability {
    private final Reply alive;
    private final Supplier<Readiness> readiness;

    /** The health of a server of this version that is as ready as this says. */
    public Health(String version, Supplier<Readiness> readiness) {
        this.alive = Reply.ok(
                new JsonObject().put("success", true).put("status", "alive").put("version", version));
        this.readiness = readiness;
    }

    @Override
    public List<Route> routes(EventLoop loop) {
        return List.of(
                Route.page("/livez", () -> alive),
                Route.page("/readyz", this::ready),
                Route.page("/health", this::ready));
    }

    private Reply ready() {
        return switch (readiness.get()) {
            case READY -> Reply.ok("{\"success\":true,\"status\":\"ready\"}");
            case DEGRADED -> Reply.ok("{\"success\":true,\"status\":\"degraded\"}");
            case STORE_LOST -> Reply.refusal(503, "Redis has lost its data");
            case RIGHTS_MISSING -> Reply.refusal(503, "The user of Redis lacks a right");
            case STORE_UNAVAILABLE -> Reply.refusal(503, "Redis does not answer");
            case STOPPING -> Reply.refusal(503, "Stopping");
        };
    }
}
