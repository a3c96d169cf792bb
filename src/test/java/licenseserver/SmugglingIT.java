package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A request that hides behind one that a proxy could read differently, sent to the server as it runs in production. */
class SmugglingIT {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host: x\r\nHost: y",
                "X: a",
                "Host: x\r\nTransfer-Encoding: identity, chunked",
                "Host: x\r\nX: a\r\n b"
            })
    void takes_no_slot(String head) throws IOException {
        try (TestServer server = TestServer.startReady(RedisForTests.url());
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port())) {
            HttpCalls calls = server.calls();
            String key = calls.register(Concurrency.randomEmail());
            String body =
                    new JsonObject().put("key", key).put("machineId", "thief").encode();
            String hidden =
                    "POST /activate HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write(("POST /validate HTTP/1.1\r\n" + head + "\r\n\r\n" + hidden)
                            .getBytes(StandardCharsets.UTF_8));

            String answers = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

            assertThat(answers).contains(" 400 ").containsOnlyOnce("\"success\"");
            JsonObject license = calls.post("/license-info", new JsonObject().put("key", key))
                    .json()
                    .getJsonObject("license");
            assertThat(license.getJsonArray("machines")).isEmpty();
        }
    }
}
