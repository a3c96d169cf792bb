package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.RandomLicenses;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LicenseJsonTest {
    private static final Instant TIME = Instant.ofEpochMilli(1_719_000_000_000L);

    private static final License LICENSE = new License(
            new LicenseKey("K7FH-WP3A-M9QZ-B2CD"),
            "customer@example.com",
            TIME,
            3,
            false,
            List.of(new Machine("machine-001", TIME, "")),
            "");

    /** The example of the contract, to the byte. */
    private static final String RECORD = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"customer@example.com\","
            + "\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":false,"
            + "\"machines\":[{\"machineId\":\"machine-001\",\"activatedAt\":1719000000000}]}";

    @Nested
    class Encode {
        @Test
        void writes_the_example_of_the_contract() {
            assertThat(LicenseJson.encode(LICENSE)).isEqualTo(RECORD);
        }

        @Test
        void writes_an_empty_list_for_no_machines() {
            License license = new License(LICENSE.key(), LICENSE.email(), TIME, 3, true, List.of(), "");

            assertThat(LicenseJson.encode(license)).endsWith("\"disabled\":true,\"machines\":[]}");
        }

        @Test
        void writes_machines_in_their_order() {
            License license = new License(
                    LICENSE.key(),
                    LICENSE.email(),
                    TIME,
                    3,
                    false,
                    List.of(new Machine("b", TIME, ""), new Machine("a", TIME.plusMillis(1), "")),
                    "");

            assertThat(LicenseJson.encode(license))
                    .endsWith("\"machines\":[{\"machineId\":\"b\",\"activatedAt\":1719000000000},"
                            + "{\"machineId\":\"a\",\"activatedAt\":1719000000001}]}");
        }

        @Test
        void escapes_what_json_must_and_nothing_else() {
            License license = new License(
                    LICENSE.key(),
                    "é\u2028@example.com",
                    TIME,
                    3,
                    false,
                    List.of(new Machine("a\"b\\c/d<\ud83d\ude00>\u0001", TIME, "")),
                    "");

            assertThat(LicenseJson.encode(license))
                    .contains("\"email\":\"é\u2028@example.com\"")
                    .contains("\"machineId\":\"a\\\"b\\\\c/d<\ud83d\ude00>\\u0001\"");
        }

        @Test
        void writes_fields_that_it_does_not_know_after_the_known_ones() {
            License license = new License(
                    LICENSE.key(),
                    LICENSE.email(),
                    TIME,
                    3,
                    false,
                    List.of(new Machine("machine-001", TIME, "\"os\":\"linux\"")),
                    "\"plan\":\"pro\",\"price\":1.0");

            assertThat(LicenseJson.encode(license))
                    .endsWith("\"machines\":[{\"machineId\":\"machine-001\",\"activatedAt\":1719000000000,"
                            + "\"os\":\"linux\"}],\"plan\":\"pro\",\"price\":1.0}");
        }
    }

    @Nested
    class Decode {
        @Test
        void reads_the_example_of_the_contract() {
            assertThat(LicenseJson.decode(RECORD)).isEqualTo(LICENSE);
        }

        @Test
        void reads_back_every_license_that_is_written() {
            var licenses = new RandomLicenses(1);
            for (int i = 0; i < 3000; i++) {
                License license = licenses.get();
                String text = LicenseJson.encode(license);

                assertThat(LicenseJson.decode(text)).isEqualTo(license);
                assertThat(LicenseJson.encode(LicenseJson.decode(text))).isEqualTo(text);
            }
        }

        @Test
        void does_not_mind_order_and_white_space() {
            assertThat(LicenseJson.decode("""
                             {
                               "machines" : [ { "activatedAt" : 1719000000000 , "machineId" : "machine-001" } ] ,
                               "disabled" : false,
                               "maxMachines" : 3,
                               "createdAt" : 1719000000000,
                               "email" : "customer@example.com",
                               "k\\u0065y" : "K7FH-WP3A-M9QZ-B2CD"
                             }
                            """)).isEqualTo(LICENSE);
        }

        @ParameterizedTest
        @ValueSource(strings = {"", ",\"disabled\":null,\"machines\":null", ",\"machines\":[]", ",\"disabled\":false"})
        void takes_disabled_and_machines_for_no_and_none_where_they_are_absent(String fields) {
            License license = LicenseJson.decode(
                    "{\"key\":\"K\",\"email\":\"a@b\",\"createdAt\":0,\"maxMachines\":0" + fields + "}");

            assertThat(license)
                    .isEqualTo(new License(new LicenseKey("K"), "a@b", Instant.EPOCH, 0, false, List.of(), ""));
        }

        @Test
        void reads_the_greatest_numbers() {
            License license = LicenseJson.decode(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":2147483647")
                    .replace("1719000000000", "9223372036854775807"));

            assertThat(license.maxMachines()).isEqualTo(Integer.MAX_VALUE);
            assertThat(license.createdAt().toEpochMilli()).isEqualTo(Long.MAX_VALUE);
        }
    }

    /** Fields of a license or a machine that a newer version, or another server, has written. */
    @Nested
    class UnknownFields {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "\"a\":1",
                    "\"a\":1.0",
                    "\"a\":-0.0",
                    "\"a\":1e400",
                    "\"a\":1.50E+03",
                    "\"a\":123456789012345678901234567890.12345678901234567890",
                    "\"a\":\"\"",
                    "\"a\":\"\\u0041\\/\\b\\ud83d\\ude00\\ud800\"",
                    "\"a\":\"é中\ud83d\ude00\"",
                    "\"\\u0061\\n\":true",
                    "\"\":null",
                    "\"a\":false",
                    "\"a\":[]",
                    "\"a\":[1,[2,[3.0,{}]],\"]\"]",
                    "\"a\":{}",
                    "\"a\":{\"b\":{\"c\":[{\"d\":\"}\"}]},\"e\":1.0}",
                    "\"a\" : { \"b\" :\t1 }",
                    "\"a\":{\"a\":1,\"a\":2}",
                    "\"a\":1,\"a\":2",
                    "\"z\":1,\"a\":2,\"m\":3,\"key2\":\"K\",\"Key\":\"k\""
                })
        void are_kept_to_the_letter_and_in_order(String fields) {
            String text = withUnknown(fields, fields);

            License license = LicenseJson.decode(text);

            assertThat(license.unknownFields()).isEqualTo(fields);
            assertThat(license.machines().get(0).unknownFields()).isEqualTo(fields);
            assertThat(LicenseJson.encode(license)).isEqualTo(text);
        }

        @Test
        void are_gathered_from_between_the_known_ones() {
            License license = LicenseJson.decode("{ \"a\" : 1 ,\"key\":\"K\", \"b\":[ 2 ] ,\"email\":\"a@b\","
                    + "\"createdAt\":0 , \"c\":\"3\",\"maxMachines\":0, \"d\":4.0 }");

            assertThat(license.unknownFields()).isEqualTo("\"a\" : 1,\"b\":[ 2 ],\"c\":\"3\",\"d\":4.0");
        }

        @Test
        void may_be_named_like_known_ones_of_another_level() {
            License license = LicenseJson.decode(
                    withUnknown("\"key\":\"X\",\"machines\":[5]", "\"machineId\":5,\"x\":{\"key\":6}"));

            assertThat(license.key()).isEqualTo(LICENSE.key());
            assertThat(license.unknownFields()).isEqualTo("\"machineId\":5,\"x\":{\"key\":6}");
            assertThat(license.machines().get(0).unknownFields()).isEqualTo("\"key\":\"X\",\"machines\":[5]");
        }

        @Test
        void may_be_many_and_long() {
            // Over 32,768 characters the parser reads in pieces, which can end anywhere.
            for (int shift = 0; shift < 100; shift++) {
                int length = shift;
                String fields = IntStream.range(0, 600)
                        .mapToObj(number -> "\"n" + "x".repeat(length) + "\":\"" + number
                                + "\\u0041é\",\"o\": {\"p\":[-1" + number + ".50e+3,true]},\"q\":12345" + number)
                        .collect(Collectors.joining(","));

                assertThat(LicenseJson.decode(withUnknown(fields, fields)).unknownFields())
                        .isEqualTo(fields);
            }
        }

        private static String withUnknown(String ofMachine, String ofLicense) {
            return RECORD.substring(0, RECORD.length() - 3) + "," + ofMachine + "}]," + ofLicense + "}";
        }
    }

    @Nested
    class Unreadable {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    " ",
                    "null",
                    "5",
                    "true",
                    "\"K7FH-WP3A-M9QZ-B2CD\"",
                    "[]",
                    "{}",
                    "K7FH-WP3A-M9QZ-B2CD",
                    "<html>",
                    "\ufeff{}"
                })
        void is_what_is_no_license_at_all(String text) {
            assertUnreadable(text);
        }

        @Test
        void is_every_part_of_a_record() {
            for (int length = 0; length < RECORD.length(); length++) {
                assertUnreadable(RECORD.substring(0, length));
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"x", "{}", ",", "}", "null", "/* */"})
        void is_a_record_with_text_after_it(String text) {
            assertUnreadable(RECORD + text);
            assertUnreadable(RECORD + "\n" + text);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "\"key\":\"K7FH-WP3A-M9QZ-B2CD\",",
                    "\"email\":\"customer@example.com\",",
                    "\"createdAt\":1719000000000,",
                    "\"maxMachines\":3,",
                    "\"machineId\":\"machine-001\",",
                    ",\"activatedAt\":1719000000000"
                })
        void is_a_record_without_a_required_field(String field) {
            assertThat(RECORD).contains(field);
            assertUnreadable(RECORD.replace(field, ""));
        }

        @ParameterizedTest
        @ValueSource(strings = {"null", "5", "true", "[]", "{}", "[\"K7FH-WP3A-M9QZ-B2CD\"]"})
        void is_a_text_field_that_is_no_string(String value) {
            assertUnreadable(RECORD.replace("\"K7FH-WP3A-M9QZ-B2CD\"", value));
            assertUnreadable(RECORD.replace("\"customer@example.com\"", value));
            assertUnreadable(RECORD.replace("\"machine-001\"", value));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "null",
                    "\"3\"",
                    "true",
                    "[]",
                    "{}",
                    "-1",
                    "3.0",
                    "3e0",
                    "1e999999999",
                    "9223372036854775808",
                    "12345678901234567890123456789012345678901234567890",
                    "NaN",
                    "0x3",
                    "03",
                    "+3"
                })
        void is_a_number_that_is_no_integer_in_range(String value) {
            assertUnreadable(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":" + value));
            assertUnreadable(RECORD.replace("\"createdAt\":1719000000000", "\"createdAt\":" + value));
            assertUnreadable(RECORD.replace("\"activatedAt\":1719000000000", "\"activatedAt\":" + value));
        }

        @Test
        void is_a_number_of_machines_that_no_int_can_hold() {
            assertUnreadable(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":2147483648"));
            assertUnreadable(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":4294967299"));
        }

        @Test
        void is_a_number_of_many_digits() {
            assertUnreadable(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":" + "3".repeat(20_000)));
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"false\"", "0", "1", "[]", "{}", "False"})
        void is_disabled_that_is_no_boolean(String value) {
            assertUnreadable(RECORD.replace("false", value));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "5",
                    "\"machine-001\"",
                    "true",
                    "[5]",
                    "[null]",
                    "[\"machine-001\"]",
                    "[[]]",
                    "[{}]",
                    "[{\"machineId\":\"machine-001\",\"activatedAt\":0},null]",
                    "[{\"machineId\":\"machine-001\",\"activatedAt\":0},]"
                })
        void is_machines_that_is_no_list_of_machines(String value) {
            assertUnreadable(RECORD.replaceAll("\\[.*]", value));
        }

        @Test
        void is_a_record_that_is_nested_too_deep() {
            assertUnreadable(
                    RECORD.substring(0, RECORD.length() - 1) + ",\"a\":" + "[".repeat(5000) + "]".repeat(5000) + "}");
        }

        @Test
        void is_the_only_failure_for_whatever_is_stored() {
            var random = new Random(3);
            var licenses = new RandomLicenses(3);
            String pieces = "{}[]\",:\\0123456789.eE+-tfnu \n\u0000é\ud83d";
            for (int i = 0; i < 5000; i++) {
                var text = new StringBuilder(LicenseJson.encode(licenses.get()));
                for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                    int place = random.nextInt(text.length());
                    String piece = String.valueOf(pieces.charAt(random.nextInt(pieces.length())));
                    text.replace(place, place + random.nextInt(2), piece);
                }
                try {
                    LicenseJson.decode(text.toString());
                } catch (UnreadableLicenseException unreadable) {
                    assertThat(unreadable.getMessage())
                            .matches("[A-Za-z]+ (is|holds|follows) [A-Za-z0-9 ]+|text follows it");
                }
            }
        }

        private static void assertUnreadable(String text) {
            assertThatThrownBy(() -> LicenseJson.decode(text))
                    .isInstanceOf(UnreadableLicenseException.class)
                    .hasNoCause()
                    .message()
                    .isNotBlank()
                    .doesNotContain("K7FH", "B2CD", "customer", "example", "machine-001", "1719", "1234", "3333");
        }
    }
}
