package licenseserver.welcome;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.http.Reply;
import licenseserver.http.Route;

/** A page at {@code /} that says what this is and where to go on. */
public record Welcome() implements Capability {
    /** The page runs nothing and loads nothing but its style sheet. */
    private static final Map<CharSequence, CharSequence> HEADERS = Map.of(
            HttpHeaders.createOptimized("Content-Security-Policy"),
            HttpHeaders.createOptimized(
                    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
            HttpHeaders.createOptimized("X-Content-Type-Options"),
            HttpHeaders.createOptimized("nosniff"));

    private static final Reply PAGE = file("welcome.html", "text/html; charset=utf-8");
    private static final Reply STYLE = file("welcome.css", "text/css; charset=utf-8");

    @Override
    public List<Route> routes(EventLoop loop) {
        return List.of(Route.page("/", () -> PAGE), Route.page("/welcome.css", () -> STYLE));
    }

    private static Reply file(String name, String contentType) {
        try (InputStream content = Welcome.class.getResourceAsStream(name)) {
            if (content == null) {
                throw new IllegalStateException("The build left out " + name);
            }
            return new Reply(200, contentType, HEADERS, Buffer.buffer(content.readAllBytes()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
