package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FieldsTest {
    @Nested
    class Text {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{\"key\":\"K\"}",
                    " \t\r\n{ \"key\" : \"K\" }\n",
                    "{\"\\u006bey\":\"\\u004b\"}",
                    "{\"a\":1,\"key\":\"K\",\"b\":[{\"key\":\"X\"}],\"c\":{\"key\":5}}"
                })
        void is_that_of_the_field(String body) {
            assertThat(parse(body).text("key")).isEqualTo("K");
        }

        @Test
        void is_kept_as_it_is() {
            assertThat(parse("{\"key\":\" é中\ud83d\ude00\\ud83d\\ude00\\u0000\\n\\/ \"}")
                            .text("key"))
                    .isEqualTo(" é中\ud83d\ude00\ud83d\ude00\u0000\n/ ");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{\"Key\":\"K\"}",
                    "{\"key\":null}",
                    "{\"key\":\"\"}",
                    "{\"key\":5}",
                    "{\"key\":1.5}",
                    "{\"key\":true}",
                    "{\"key\":false}",
                    "{\"key\":[]}",
                    "{\"key\":[\"K\"]}",
                    "{\"key\":{}}",
                    "{\"key\":{\"key\":\"K\"}}"
                })
        void is_missing_where_the_field_is_absent_null_empty_or_no_string(String body) {
            assertThat(parse(body).text("key")).isNull();
        }

        @ParameterizedTest
        @ValueSource(strings = {"\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83dx"})
        void may_hold_halves_of_characters(String escapes) {
            assertThat(parse("{\"key\":\"" + escapes + "\"}").text("key")).isNotNull();
        }
    }

    @Nested
    class IgnoredField {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "1e999999999",
                    "-1e-999999999",
                    "123456789012345678901234567890",
                    "0.1234567890123456789012345678901234567890",
                    "4294967297",
                    "{\"b\":[1,{}],\"c\":null}"
                })
        void may_hold_any_json(String value) {
            assertThat(parse("{\"a\":" + value + ",\"key\":\"K\"}").text("key")).isEqualTo("K");
        }

        @Test
        void may_hold_a_number_of_15000_digits() {
            String digits = "7".repeat(15_000);

            assertThat(parse("{\"a\":" + digits + ",\"key\":\"K\"}").text("key"))
                    .isEqualTo("K");
            assertThat(parse("{\"a\":0." + digits + ",\"key\":\"K\"}").text("key"))
                    .isEqualTo("K");
            assertThat(parse("{\"a\":1e" + digits + ",\"key\":\"K\"}").text("key"))
                    .isEqualTo("K");
        }

        @Test
        void may_have_a_name_of_15000_characters() {
            assertThat(parse("{\"" + "n".repeat(15_000) + "\":1,\"key\":\"K\"}").text("key"))
                    .isEqualTo("K");
        }

        @Test
        void may_be_nested_to_level_32() {
            assertThat(parse("{\"a\":" + "[".repeat(31) + "]".repeat(31) + ",\"key\":\"K\"}")
                            .text("key"))
                    .isEqualTo("K");
        }
    }

    @Nested
    class InvalidJson {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    " ",
                    "\n",
                    "{",
                    "}",
                    "{\"key\"",
                    "{\"key\":",
                    "{\"key\":\"K",
                    "{\"key\":\"K\"",
                    "{\"key\":\"K\",}",
                    "{,}",
                    "{\"key\" \"K\"}",
                    "{key:\"K\"}",
                    "{'key':'K'}",
                    "{\"key\":\"K\"]",
                    "{\"a\":[}",
                    "[",
                    "[1,]",
                    "\"text",
                    "nul",
                    "nulll",
                    "tru",
                    "key=K&machineId=one",
                    "<key>K</key>",
                    "\u0000"
                })
        void is_what_is_cut_short_or_malformed(String body) {
            assertInvalid(body);
        }

        @ParameterizedTest
        @ValueSource(strings = {"x", "{}", "{\"a\":1}", "}", "]", ",", "null", "1", "\"\"", "\u0000", "\ufeff"})
        void is_text_after_the_end(String text) {
            assertInvalid("{\"key\":\"K\"}" + text);
            assertInvalid("{\"key\":\"K\"} \n" + text);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{\"key\":\"K\",\"key\":\"K\"}",
                    "{\"key\":\"K\",\"\\u006bey\":\"L\"}",
                    "{\"key\":null,\"a\":1,\"key\":\"K\"}",
                    "{\"a\":1,\"a\":1}",
                    "{\"a\":{\"b\":1,\"b\":2}}",
                    "{\"a\":[[{\"b\":{\"c\":1,\"c\":1}}]]}",
                    "[{\"b\":1,\"b\":2}]"
                })
        void is_a_field_that_is_there_twice_at_any_depth(String body) {
            assertInvalid(body);
        }

        @Test
        void is_not_one_name_in_two_objects() {
            assertThat(parse("{\"key\":\"K\",\"a\":{\"key\":1},\"b\":[{\"key\":2},{\"key\":3}]}")
                            .text("key"))
                    .isEqualTo("K");
        }

        @Test
        void is_nested_to_level_33_and_beyond() {
            assertInvalid("{\"a\":" + "[".repeat(32) + "]".repeat(32) + "}");
            assertInvalid("{\"a\":".repeat(33) + "1" + "}".repeat(33));
            assertInvalid("[".repeat(33) + "]".repeat(33));
            assertInvalid("[".repeat(16_000));
            assertInvalid("{\"a\":".repeat(3000));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "NaN",
                    "Infinity",
                    "-Infinity",
                    "+1",
                    "01",
                    "-01",
                    "1.",
                    ".5",
                    "-",
                    "1e",
                    "1e+",
                    "0x10",
                    "1_000",
                    "--1",
                    "True",
                    "undefined"
                })
        void is_a_value_that_json_does_not_know(String value) {
            assertInvalid("{\"a\":" + value + "}");
            assertInvalid("[" + value + "]");
            assertInvalid(value);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "/* comment */ {\"key\":\"K\"}",
                    "{/**/\"key\":\"K\"}",
                    "{\"key\":\"K\"} // comment",
                    "# comment\n{\"key\":\"K\"}"
                })
        void is_a_comment(String body) {
            assertInvalid(body);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"\\x", "\\u12", "\\u12G4", "\\", "\n", "\t", "\u0000", "\u001f", "\\'", "\\U0041", "\\0"})
        void is_a_text_with_a_bad_escape_or_a_bare_control_character(String text) {
            assertInvalid("{\"key\":\"" + text + "\"}");
            assertInvalid("{\"ignored\":\"" + text + "\"}");
            assertInvalid("{\"" + text + "\":1}");
        }

        @Test
        void is_what_is_no_utf_8() {
            for (int[] bytes : new int[][] {
                {0xff},
                {0xc3},
                {0xc3, 0x28},
                {0xc0, 0xaf},
                {0xc1, 0x81},
                {0x80},
                {0xe2, 0x82},
                {0xed, 0xa0, 0xbd},
                {0xed, 0xb8, 0x80},
                {0xf0, 0x82, 0x82, 0xac},
                {0xf4, 0x90, 0x80, 0x80},
                {0xf8, 0x88, 0x80, 0x80, 0x80}
            }) {
                Buffer body = Buffer.buffer("{\"key\":\"");
                for (int value : bytes) {
                    body.appendByte((byte) value);
                }
                assertRefused(body.appendString("\"}"), Reply.INVALID_JSON);
            }
        }

        @Test
        void is_another_encoding_than_utf_8() {
            for (String name : new String[] {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE", "UTF-32BE"}) {
                assertRefused(Buffer.buffer("{\"key\":\"K\"}".getBytes(Charset.forName(name))), Reply.INVALID_JSON);
            }
            assertRefused(Buffer.buffer("{\"key\":\"é\"}".getBytes(StandardCharsets.ISO_8859_1)), Reply.INVALID_JSON);
        }

        @Test
        void is_a_byte_order_mark() {
            assertInvalid("\ufeff{\"key\":\"K\"}");
        }
    }

    @Nested
    class NoObject {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "null",
                    "true",
                    "false",
                    "5",
                    "-1.5e3",
                    "1e999999999",
                    "\"\"",
                    "\"{}\"",
                    "[]",
                    "[{\"key\":\"K\"}]",
                    " [ 1 , [ ] ] "
                })
        void is_told_from_what_is_no_json(String body) {
            assertRefused(Buffer.buffer(body), Reply.NO_OBJECT);
        }
    }

    @Nested
    class AnyBytes {
        @Test
        void are_taken_or_refused_but_never_fail() {
            var random = new Random(4);
            byte[] good = "{\"key\":\"K7FH-é\ud83d\ude00\",\"a\":[1.5e3,{\"b\":null}],\"machineId\":\"\\u0041\"}"
                    .getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 20_000; i++) {
                byte[] bytes = good.clone();
                for (int changes = 1 + random.nextInt(4); changes > 0; changes--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
                }
                int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : bytes.length;
                try {
                    Fields.parse(Buffer.buffer(bytes).slice(0, length)).text("key");
                } catch (RefusedException refused) {
                    assertThat(refused.reply()).isIn(Reply.INVALID_JSON, Reply.NO_OBJECT);
                }
            }
        }
    }

    private static Fields parse(String body) {
        return Fields.parse(Buffer.buffer(body));
    }

    private static void assertInvalid(String body) {
        assertRefused(Buffer.buffer(body), Reply.INVALID_JSON);
    }

    private static void assertRefused(Buffer body, Reply reply) {
        assertThatThrownBy(() -> Fields.parse(body))
                .isInstanceOfSatisfying(
                        RefusedException.class,
                        refused -> assertThat(refused.reply()).isEqualTo(reply));
    }
}
