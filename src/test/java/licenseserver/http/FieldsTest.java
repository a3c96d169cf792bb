package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
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

    /** What is asked of a field beyond its text. */
    @Nested
    class Typed {
        private static final String WHOLE = "a must be a whole number from 1 to 10000";

        @Test
        void integer_is_a_whole_number_in_range() {
            assertThat(parse("{\"a\":1}").integer("a", 1, 10_000)).isEqualTo(1L);
            assertThat(parse("{\"a\":10000}").integer("a", 1, 10_000)).isEqualTo(10_000L);
            assertThat(parse("{\"a\":-0}").integer("a", 0, 0)).isZero();
            assertThat(parse("{\"a\":9223372036854775807}").integer("a", 0, Long.MAX_VALUE))
                    .isEqualTo(Long.MAX_VALUE);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "0",
                    "-1",
                    "10001",
                    "4294967297",
                    "9223372036854775808",
                    "18446744073709551617",
                    "123456789012345678901234567890",
                    "3.0",
                    "3.5",
                    "1e3",
                    "1E0",
                    "\"3\"",
                    "\"\"",
                    "true",
                    "false",
                    "[]",
                    "[3]",
                    "{}"
                })
        void integer_is_refused_by_name_where_it_is_anything_else(String value) {
            assertRefused(WHOLE, fields -> fields.integer("a", 1, 10_000), value);
        }

        @ParameterizedTest
        @ValueSource(strings = {"NaN", "Infinity", "-Infinity", "+3", "03", "0x3", "3."})
        void integer_that_json_does_not_know_is_no_json(String value) {
            assertInvalid("{\"a\":" + value + "}");
        }

        @Test
        void is_null_where_the_field_is_absent_or_null() {
            for (String body : new String[] {"{}", "{\"a\":null}"}) {
                Fields fields = parse(body);
                assertThat(fields.integer("a", 1, 2)).isNull();
                assertThat(fields.line("a", 5)).isNull();
                assertThat(fields.prose("a", 5)).isNull();
                assertThat(fields.object("a", 5)).isNull();
                assertThat(fields.isTrue("a")).isFalse();
            }
        }

        @Test
        void has_tells_null_from_absent() {
            assertThat(parse("{\"a\":null}").has("a")).isTrue();
            assertThat(parse("{\"A\":1}").has("a")).isFalse();
        }

        @ParameterizedTest
        @ValueSource(strings = {"1", "\"true\"", "null", "false", "[true]", "{}"})
        void is_true_for_true_only(String value) {
            assertThat(parse("{\"a\":true}").isTrue("a")).isTrue();
            assertThat(parse("{\"a\":" + value + "}").isTrue("a")).isFalse();
        }

        @ParameterizedTest
        @ValueSource(strings = {"null", "0", "1", "\"true\"", "\"\"", "[]", "{}"})
        void choice_is_true_or_false(String value) {
            assertThat(parse("{\"a\":true}").choice("a")).isTrue();
            assertThat(parse("{\"a\":false}").choice("a")).isFalse();
            assertRefused("a must be true or false", fields -> fields.choice("a"), value);
            assertThatThrownBy(() -> parse("{}").choice("a")).isInstanceOf(RefusedException.class);
        }

        @Test
        void line_is_visible_text() {
            assertThat(parse("{\"a\":\" é\\ud83d\\ude00 \"}").line("a", 5)).isEqualTo(" é\ud83d\ude00 ");
            assertThat(parse("{\"a\":\"12345\"}").line("a", 5)).isEqualTo("12345");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"\"\"", "\"123456\"", "\"a\\n\"", "\"\\u0000\"", "\"\\ud83d\"", "5", "true", "[]", "{}"})
        void line_is_refused_by_name_where_it_is_anything_else(String value) {
            assertRefused(
                    "a must be text of 1 to 5 characters without control characters",
                    fields -> fields.line("a", 5),
                    value);
        }

        @Test
        void prose_may_have_several_lines() {
            assertThat(parse("{\"a\":\"a\\n\\tb\"}").prose("a", 5)).isEqualTo("a\n\tb");
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"\"", "\"123456\"", "\"\\ud83d\"", "5", "true", "[]", "{}"})
        void prose_is_refused_by_name_where_it_is_anything_else(String value) {
            assertRefused("a must be text of 1 to 5 characters", fields -> fields.prose("a", 5), value);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{ \"b\" : 1.0 }",
                    "{\"b\":{\"c\":[1e9,{}]},\"é\":\"\\u0041\"}",
                    "{\"b\":\"}\"}",
                    "{\"\ud83d\ude00\":\"\ud83d\ude00\"}"
                })
        void object_is_kept_to_the_letter(String object) {
            assertThat(parse("{\"a\":" + object + "}").object("a", 100)).isEqualTo(object);
            assertThat(parse("{\"é\":\"\ud83d\ude00\", \"a\" :\n" + object + " ,\"b\":1}")
                            .object("a", 100))
                    .isEqualTo(object);
        }

        @Test
        void object_is_measured_in_bytes() {
            assertThat(parse("{\"a\":{\"b\":\"é\"}}").object("a", 10)).isNotNull();
            assertRefused(
                    "a must be a JSON object of at most 9 bytes", fields -> fields.object("a", 9), "{\"b\":\"é\"}");
        }

        @ParameterizedTest
        @ValueSource(strings = {"5", "\"{}\"", "true", "[]", "[{}]"})
        void object_is_refused_by_name_where_it_is_anything_else(String value) {
            assertRefused("a must be a JSON object of at most 100 bytes", fields -> fields.object("a", 100), value);
        }

        @Test
        void allow_only_names_the_field_that_nobody_knows() {
            parse("{}").allowOnly(Set.of());
            parse("{\"a\":1,\"b\":null}").allowOnly(Set.of("a", "b", "c"));

            assertThatThrownBy(() -> parse("{\"a\":1,\"A\":1}").allowOnly(Set.of("a")))
                    .isInstanceOfSatisfying(
                            RefusedException.class,
                            refused -> assertThat(refused.reply()).isEqualTo(Reply.refusal(400, "Unknown field: A")));
        }

        @Test
        void allow_only_shows_no_long_name_in_full() {
            assertThatThrownBy(() -> parse("{\"" + "n".repeat(1000) + "\":1}").allowOnly(Set.of()))
                    .isInstanceOfSatisfying(
                            RefusedException.class,
                            refused -> assertThat(refused.reply())
                                    .isEqualTo(Reply.refusal(400, "Unknown field: " + "n".repeat(60) + "…")));
        }

        private static void assertRefused(String message, Function<Fields, @Nullable Object> read, String value) {
            Fields fields = parse("{\"a\":" + value + "}");
            assertThatThrownBy(() -> read.apply(fields))
                    .isInstanceOfSatisfying(
                            RefusedException.class,
                            refused -> assertThat(refused.reply()).isEqualTo(Reply.refusal(400, message)));
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
        void is_a_second_byte_order_mark() {
            assertThat(Fields.parse(Buffer.buffer("\ufeff{\"key\":\"K\"}")).text("key"))
                    .isEqualTo("K");
            assertInvalid("\ufeff\ufeff{\"key\":\"K\"}");
            assertInvalid("\ufeff");
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
