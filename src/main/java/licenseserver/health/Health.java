package licenseserver.health;

import io.vertx.core.json.JsonObject;
import java.util.List;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.capability.Readiness;
import licenseserver.http.Reply;
import licenseserver.http.Route;

/**
 * Says whether the process runs ({@code /livez}), and whether it can answer calls ({@code /readyz}, {@code /health}).
 *
 * @param version the version of the program
 */
public record Health(String version) implements Capability {
    @Override
    public List<Route> routes(EventLoop loop) {
        Reply alive = Reply.ok(
                new JsonObject().put("success", true).put("status", "alive").put("version", version));
        return List.of(
                Route.page("/livez", () -> alive),
                Route.page("/readyz", () -> ready(loop.readiness().get())),
                Route.page("/health", () -> ready(loop.readiness().get())));
    }

    private static Reply ready(Readiness readiness) {
        return switch (readiness) {
            case READY -> Reply.ok("{\"success\":true,\"status\":\"ready\"}");
            case DEGRADED -> Reply.ok("{\"success\":true,\"status\":\"degraded\"}");
            case STORE_LOST -> Reply.refusal(503, "Redis has lost its data");
            case RIGHTS_MISSING -> Reply.refusal(503, "The user of Redis lacks a right");
            case STORE_UNAVAILABLE -> Reply.refusal(503, "Redis does not answer");
            case STOPPING -> Reply.refusal(503, "Stopping");
        };
    }
}
