package licenseserver.welcome;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import licenseserver.EventLoops;
import licenseserver.api.TestServer;
import licenseserver.store.InMemoryLicenseStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WelcomeTest {
    private final Vertx vertx = EventLoops.watched();
    private final TestServer server = TestServer.start(vertx, new InMemoryLicenseStore());

    @AfterEach
    void stop() {
        server.close();
        await(vertx.close());
    }

    private HttpResponse<String> get(String path) throws Exception {
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(server.uri(path)).build(), BodyHandlers.ofString());
    }

    @Test
    void says_at_the_root_what_runs_here() throws Exception {
        HttpResponse<String> page = get("/");

        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("content-type")).hasValue("text/html; charset=utf-8");
        assertThat(page.body())
                .startsWith("<!doctype html>")
                .contains("License Server", "/register-license", "href=\"welcome.css\"")
                .doesNotContain("${");
    }

    @Test
    void lets_the_page_load_its_own_style_sheet_and_nothing_else() throws Exception {
        assertThat(get("/").headers().firstValue("content-security-policy"))
                .hasValue(
                        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
        assertThat(get("/").body()).doesNotContain("<script", "<style", "style=", "http-equiv", "src=");
        HttpResponse<String> style = get("/welcome.css");
        assertThat(style.statusCode()).isEqualTo(200);
        assertThat(style.headers().firstValue("content-type")).hasValue("text/css; charset=utf-8");
    }
}
