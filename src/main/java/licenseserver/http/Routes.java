package licenseserver.http;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** All paths that the server answers. */
public final class Routes {
    private final List<Route> all;
    private final Map<String, Route> byMethodAndPath = new HashMap<>();

    /** These routes; refuses two for one path and method, which is a defect of the program. */
    public Routes(List<Route> all) {
        this.all = List.copyOf(all);
        for (Route route : all) {
            if (byMethodAndPath.put(name(route), route) != null) {
                throw new IllegalArgumentException("Two routes for " + name(route));
            }
        }
    }

    private static String name(Route route) {
        return (route instanceof Route.Page ? "GET " : "POST ") + route.path();
    }

    List<Route> all() {
        return all;
    }

    /** A page that lists the routes, for people and for comparison: {@code docs/calls.txt}. */
    public String print() {
        var page = new StringBuilder();
        for (Route route : all) {
            page.append(name(route)).append('\n');
            if (route instanceof Route.Post call) {
                print(page, call);
            }
            page.append('\n');
        }
        return page.toString();
    }

    private static void print(StringBuilder page, Route.Post call) {
        print(page, "who", call.access().who());
        print(page, "fields", String.join(", ", call.fields()) + (call.refusesOthers() ? "" : "; others are ignored"));
        CallLimit limit = call.limit();
        print(page, "limit", limit == null ? null : limit.name());
        print(page, "repeat", call.isRepeatable() ? "once for each Idempotency-Key" : null);
        Route.Required required = call.required();
        Stream.concat(Stream.ofNullable(required).map(Route.Required::refusal), call.refusals().stream())
                .forEach(refusal -> print(
                        page,
                        "refuses",
                        refusal.status() + " " + refusal.body().toJsonObject().getString("message")));
    }

    private static void print(StringBuilder page, String word, @Nullable String text) {
        if (text != null) {
            page.append("  %-10s%s%n".formatted(word, text));
        }
    }
}
