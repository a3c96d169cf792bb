package licenseserver.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import licenseserver.redis.RespParser.ProtocolException;
import licenseserver.redis.RespParser.Push;
import licenseserver.redis.RespParser.Refusal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RespParserTest {
    private static final String EVERY_KIND = String.join(
            "\r\n",
            "+OK",
            ":-42",
            "$6",
            "A",
            "Bé",
            "$0",
            "",
            "$-1",
            "*-1",
            "_",
            "-MOVED 7 127.0.0.1:6379",
            "*3",
            ":1",
            "*1",
            "$1",
            "x",
            "$-1",
            "%1",
            "+proto",
            ":3",
            ">2",
            "$10",
            "invalidate",
            "*1",
            "$1",
            "k",
            "#t",
            ",1.5",
            "+end",
            "");

    private static List<@Nullable Object> parse(RespParser parser, byte[] bytes) {
        var replies = new ArrayList<@Nullable Object>();
        parser.parse(bytes, replies::add);
        return replies;
    }

    @Test
    void reads_every_kind_of_reply_however_it_is_cut() {
        byte[] all = EVERY_KIND.getBytes(StandardCharsets.UTF_8);
        List<@Nullable Object> whole = parse(new RespParser(), all);

        assertThat(whole)
                .containsExactly(
                        "OK",
                        -42L,
                        "A\r\nBé",
                        "",
                        null,
                        null,
                        null,
                        new Refusal("MOVED 7 127.0.0.1:6379"),
                        Arrays.asList(1L, List.of("x"), null),
                        List.of("proto", 3L),
                        new Push(List.of("invalidate", List.of("k"))),
                        "t",
                        "1.5",
                        "end");
        for (int cut = 0; cut <= all.length; cut++) {
            var parser = new RespParser();
            List<@Nullable Object> pieces = parse(parser, Arrays.copyOfRange(all, 0, cut));
            pieces.addAll(parse(parser, Arrays.copyOfRange(all, cut, all.length)));
            assertThat(pieces).isEqualTo(whole);
        }
        var parser = new RespParser();
        var bytewise = new ArrayList<@Nullable Object>();
        for (byte one : all) {
            bytewise.addAll(parse(parser, new byte[] {one}));
        }
        assertThat(bytewise).isEqualTo(whole);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 400\r\n",
                "$x\r\n",
                "$-2\r\n",
                "$99999999999\r\n",
                ":1a\r\n",
                "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
            })
    void refuses_what_is_no_reply(String bytes) {
        assertThatThrownBy(() -> parse(new RespParser(), bytes.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void tells_the_code_of_a_refusal() {
        assertThat(new Refusal("WRONGTYPE Operation against a key").code()).isEqualTo("WRONGTYPE");
        assertThat(new Refusal("ERR").code()).isEqualTo("ERR");
    }
}
