package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A head that comes in two pieces, cut at each of its bytes: over a socket nobody can tell where it is cut. */
class StrictRequestDecoderTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host: x\r\nX: a\r\n b",
                "Host: x\r\nX: a\r\n\tb",
                "Host: x\r\nX: a\r\n ",
                "Host: x\n b",
                "Host: x\r\nTransfer-Encoding:\r\n chunked",
                " Host: x",
                "Host: x\r\n: a",
                "Host: x\r\nHOST: x",
                "X: a"
            })
    void refuses_it_wherever_it_is_cut(String lines) {
        String head = "POST /validate HTTP/1.1\r\n" + lines + "\r\n\r\n";
        for (int cut = 0; cut <= head.length(); cut++) {
            HttpRequest request = decode(head, cut);

            assertThat(request.decoderResult().isFailure()).as("cut at %d", cut).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Host: x", "host:x", "X:  a b \r\nHost: x", "Host: x\r\nX:"})
    void takes_it_wherever_it_is_cut(String lines) {
        String head = "POST /validate HTTP/1.1\r\n" + lines + "\r\n\r\n";
        for (int cut = 0; cut <= head.length(); cut++) {
            HttpRequest request = decode(head, cut);

            assertThat(request.decoderResult().isSuccess()).as("cut at %d", cut).isTrue();
        }
    }

    private static HttpRequest decode(String head, int cut) {
        var channel = new EmbeddedChannel(new StrictRequestDecoder());
        for (String piece : new String[] {head.substring(0, cut), head.substring(cut)}) {
            channel.writeInbound(Unpooled.copiedBuffer(piece, StandardCharsets.US_ASCII));
        }
        HttpRequest request = channel.readInbound();
        channel.finishAndReleaseAll();
        return request;
    }
}
