package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import licenseserver.capability.EventLoop;
import licenseserver.capability.Readiness;
import licenseserver.store.InMemoryLicenseStore;
import org.junit.jupiter.api.Test;

/** {@code docs/calls.txt} is what the routes print. */
class CallsPageTest {
    private static final Path PAGE = Path.of("docs", "calls.txt");

    /** Writes the page if asked to: {@code mvn test -Dtest=CallsPageTest -Dwrite}. */
    @Test
    void lists_every_path_as_the_routes_say() throws IOException {
        String printed = print();
        if (System.getProperty("write") != null) {
            Files.writeString(PAGE, printed);
        }
        assertThat(Files.readString(PAGE))
                .as("docs/calls.txt; write it anew with: mvn test -Dtest=CallsPageTest -Dwrite")
                .isEqualTo(printed);
    }

    private static String print() {
        Vertx vertx = Vertx.vertx();
        try {
            EventLoop loop = licenseserver.api.TestServer.loop(
                    vertx, InstantSource.system(), () -> Readiness.READY, new InMemoryLicenseStore());
            return Wiring.routes(TestServer.config("redis://127.0.0.1").capabilities(), loop)
                    .print();
        } finally {
            vertx.close();
        }
    }
}
