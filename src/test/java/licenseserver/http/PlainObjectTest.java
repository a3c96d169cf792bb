package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainObjectTest {
    private static final String USUAL = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"machineId\":\"3f2a 77\"}";

    @Test
    void reads_what_apps_send() {
        Map<String, Object> fields = Map.of("key", "K7FH-WP3A-M9QZ-B2CD", "machineId", "3f2a 77");

        assertThat(read(USUAL)).isEqualTo(fields);
        assertThat(read(USUAL.replace(":", " :\n").replace(",", "\t, \r"))).isEqualTo(fields);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "{\"key\":\"K\",\"key\":\"K\"}",
                "{\"key\":\"K\",}",
                "{\"key\":\"K\"}}",
                "{\"key\":\"K\"} x",
                "{\"key\":\"K\"",
                "{\"key\":\"K",
                "{\"key\":\"\\u004b\"}",
                "{\"key\":\"K\n\"}",
                "{\"key\":\"é\"}",
                "{\"key\":5}",
                "{\"key\":null}",
                "[\"key\",\"K\"]",
                "{key:\"K\"}"
            })
    void leaves_everything_else_to_the_parser(String body) {
        assertThat(read(body)).isNull();
    }

    @Test
    void never_reads_anything_otherwise_than_the_parser() {
        var random = new Random(4);
        String alphabet = "{}[]\":,\\ \n\tkn1\u007f\u00e9\u0000";
        int taken = 0;
        for (int i = 0; i < 200_000; i++) {
            var body = new StringBuilder(USUAL);
            for (int changes = random.nextInt(4); changes > 0; changes--) {
                int at = random.nextInt(body.length());
                char other = alphabet.charAt(random.nextInt(alphabet.length()));
                switch (random.nextInt(3)) {
                    case 0 -> body.setCharAt(at, other);
                    case 1 -> body.insert(at, other);
                    default -> body.deleteCharAt(at);
                }
            }
            Map<String, @Nullable Object> plain = read(body.toString());
            if (plain != null) {
                taken++;
                assertThat(Fields.readStrictly(Buffer.buffer(body.toString()))).isEqualTo(plain);
            }
        }
        assertThat(taken).isBetween(50_000, 190_000);
    }

    private static @Nullable Map<String, @Nullable Object> read(String body) {
        return PlainObject.read(body.getBytes(StandardCharsets.UTF_8));
    }
}
