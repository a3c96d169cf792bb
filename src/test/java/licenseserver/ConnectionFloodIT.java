package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** More connections than the heap has room for: the server outlives them, and serves those that come. */
class ConnectionFloodIT {
    /** A fifth of it is room for some 1,500 connections. */
    private static final String SMALL_HEAP = "-Xmx40m";

    private static final int FLOOD = 2_500;

    @TempDir
    Path folder;

    @Test
    void closes_idle_ones_of_the_flooding_address_and_goes_on() throws Exception {
        var open = new ArrayList<Socket>();
        try (RedisProcess redis = RedisProcess.start();
                JarProcess server = JarProcess.start(
                        folder,
                        Map.of(
                                "HOST",
                                "127.0.0.1",
                                "PORT",
                                "0",
                                "REDIS_URL",
                                redis.url(),
                                "ADMIN_SECRET",
                                HttpCalls.SECRET),
                        List.of(SMALL_HEAP, "-XX:+ExitOnOutOfMemoryError", "-jar", JarProcess.jar()))) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            for (int i = 0; i < FLOOD; i++) {
                open.add(new Socket(InetAddress.getLoopbackAddress(), port));
                open.get(i).setSoTimeout(10_000);
                assertThat(answers(open.get(i))).isTrue();
            }
            try (var other =
                    new Socket(InetAddress.getLoopbackAddress(), port, InetAddress.getByName("127.0.0.2"), 0)) {
                other.setSoTimeout(10_000);
                assertThat(answers(other)).isTrue();
            }
            assertThat(answers(open.get(0))).isFalse();
            assertThat(open.stream().filter(ConnectionFloodIT::answers)).hasSizeBetween(1_000, FLOOD - 500);
            assertThat(server.output())
                    .filteredOn(line -> line.contains("connections are open"))
                    .hasSize(1);

            for (Socket socket : open) {
                socket.close();
            }
            Wait.until("there is room again", () -> {
                try (var next = new Socket(InetAddress.getLoopbackAddress(), port)) {
                    next.setSoTimeout(10_000);
                    return answers(next);
                } catch (IOException refused) {
                    return false;
                }
            });
        }
    }

    /** Whether a request on this connection is answered, or the connection closed. */
    private static boolean answers(Socket socket) {
        String request = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
        try {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            var answer = new StringBuilder();
            while (answer.indexOf("}") < 0) {
                int next = socket.getInputStream().read();
                if (next < 0) {
                    return false;
                }
                answer.append((char) next);
            }
            return true;
        } catch (IOException closed) {
            return false;
        }
    }
}
