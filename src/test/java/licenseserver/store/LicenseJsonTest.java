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
import licenseserver.license.Term;
import licenseserver.license.Terms;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LicenseJsonTest {
    private static final Instant TIME = Instant.ofEpochMilli(1_719_000_000_000L);

    private static final License LICENSE = new License(
            new LicenseKey("K7FH-WP3A-M9QZ-B2CD"),
            "customer@example.com",
            TIME,
            Terms.of(3),
            false,
            null,
            List.of(machine("machine-001", TIME, "")),
            List.of(),
            "");

    /** The example of the contract, to the byte. */
    private static final String RECORD = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"customer@example.com\","
            + "\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":false,"
            + "\"machines\":[{\"machineId\":\"machine-001\",\"activatedAt\":1719000000000}]}";

    private static Machine machine(String machineId, Instant activatedAt, String unknownFields) {
        return new Machine(machineId, activatedAt, null, null, unknownFields);
    }

    private static License license(int maxMachines, boolean disabled, List<Machine> machines, String unknownFields) {
        return new License(
                LICENSE.key(),
                LICENSE.email(),
                TIME,
                Terms.of(maxMachines),
                disabled,
                null,
                machines,
                List.of(),
                unknownFields);
    }

    @Nested
    class Encode {
        @Test
        void writes_the_example_of_the_contract() {
            assertThat(LicenseJson.encode(LICENSE)).isEqualTo(RECORD);
        }

        @Test
        void writes_an_empty_list_for_no_machines() {
            License license = license(3, true, List.of(), "");

            assertThat(LicenseJson.encode(license)).endsWith("\"disabled\":true,\"machines\":[]}");
        }

        @Test
        void writes_machines_in_their_order() {
            License license =
                    license(3, false, List.of(machine("b", TIME, ""), machine("a", TIME.plusMillis(1), "")), "");

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
                    Terms.of(3),
                    false,
                    null,
                    List.of(machine("a\"b\\c/d<\ud83d\ude00>\u0001", TIME, "")),
                    List.of(),
                    "");

            assertThat(LicenseJson.encode(license))
                    .contains("\"email\":\"é\u2028@example.com\"")
                    .contains("\"machineId\":\"a\\\"b\\\\c/d<\ud83d\ude00>\\u0001\"");
        }

        @Test
        void writes_fields_that_it_does_not_know_after_the_known_ones() {
            License license = license(
                    3,
                    false,
                    List.of(machine("machine-001", TIME, "\"os\":\"linux\"")),
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
        void takes_disabled_as_text_for_what_it_says_and_writes_it_as_a_boolean() {
            License license = LicenseJson.decode(RECORD.replace("\"disabled\":false", "\"disabled\":\"true\""));

            assertThat(license.disabled()).isTrue();
            assertThat(LicenseJson.encode(license))
                    .isEqualTo(RECORD.replace("\"disabled\":false", "\"disabled\":true"));
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
                    .isEqualTo(new License(
                            new LicenseKey("K"),
                            "a@b",
                            Instant.EPOCH,
                            Terms.of(0),
                            false,
                            null,
                            List.of(),
                            List.of(),
                            ""));
        }

        @Test
        void reads_the_greatest_numbers() {
            License license = LicenseJson.decode(RECORD.replace("\"maxMachines\":3", "\"maxMachines\":2147483647")
                    .replace("1719000000000", "9223372036854775807"));

            assertThat(license.maxMachines()).isEqualTo(Integer.MAX_VALUE);
            assertThat(license.createdAt().toEpochMilli()).isEqualTo(Long.MAX_VALUE);
        }
    }

    /** Fields that a license has only where they are set. */
    @Nested
    class OptionalFields {
        private static final String PREFIX = RECORD.substring(0, RECORD.length() - 1);

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "\"disabledReason\":\"refund\"",
                    "\"expiresAt\":1750000000000",
                    "\"product\":\"pro\"",
                    "\"metadata\":{}",
                    "\"notes\":\"a\\nb\"",
                    "\"idleDays\":0",
                    "\"newMachinesPer30Days\":0",
                    "\"newMachines\":[{\"machineId\":\"m\",\"activatedAt\":5}]",
                    "\"disabledReason\":\"r\",\"expiresAt\":0,\"product\":\"p\",\"metadata\":{\"a\":1},\"notes\":\"n\","
                            + "\"idleDays\":1,\"newMachinesPer30Days\":2,"
                            + "\"newMachines\":[{\"machineId\":\"m\",\"activatedAt\":5}],\"unknown\":1.0"
                })
        void are_written_as_they_are_read(String fields) {
            String text = PREFIX + "," + fields + "}";

            License license = LicenseJson.decode(text);

            assertThat(license).isNotEqualTo(LICENSE);
            assertThat(LicenseJson.encode(license)).isEqualTo(text);
        }

        @Test
        void are_read_for_what_they_are() {
            License license = LicenseJson.decode(PREFIX
                    + ",\"disabledReason\":\"r\",\"expiresAt\":7,\"product\":\"p\",\"metadata\":{\"a\":1},\"notes\":\"n\","
                    + "\"idleDays\":1,\"newMachinesPer30Days\":2,"
                    + "\"newMachines\":[{\"machineId\":\"m\",\"activatedAt\":5}]}");

            assertThat(license)
                    .isEqualTo(new License(
                            LICENSE.key(),
                            LICENSE.email(),
                            TIME,
                            new Terms(3, Instant.ofEpochMilli(7), "p", "{\"a\":1}", "n", 1, 2),
                            false,
                            "r",
                            LICENSE.machines(),
                            List.of(machine("m", Instant.ofEpochMilli(5), "")),
                            ""));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "disabledReason",
                    "expiresAt",
                    "product",
                    "metadata",
                    "notes",
                    "idleDays",
                    "newMachinesPer30Days",
                    "newMachines"
                })
        void may_be_null_for_unset(String name) {
            assertThat(LicenseJson.decode(PREFIX + ",\"" + name + "\":null}")).isEqualTo(LICENSE);
        }

        @Test
        void of_a_machine_are_written_as_they_are_read() {
            String text = RECORD.replace("}]", ",\"label\":\"Ada's laptop\",\"lastSeenAt\":1719003600000,\"os\":1.0}]");

            License license = LicenseJson.decode(text);

            assertThat(license.machines())
                    .containsExactly(new Machine(
                            "machine-001",
                            TIME,
                            "Ada's laptop",
                            Instant.ofEpochMilli(1_719_003_600_000L),
                            "\"os\":1.0"));
            assertThat(LicenseJson.encode(license)).isEqualTo(text);
            assertThat(LicenseJson.decode(RECORD.replace("}]", ",\"label\":null,\"lastSeenAt\":null}]")))
                    .isEqualTo(LICENSE);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "{ \"a\" :\t1.0 , \"b\":[1e400,\"\\u0041\\/\"] }",
                    "{\"big\":123456789012345678901234567890,\"small\":1e-999999}",
                    "{\"é\":\"\ud83d\ude00\",\"half\":\"\\ud800\"}",
                    "{\"key\":5,\"machines\":{},\"a\":\"}\"}"
                })
        void keep_metadata_to_the_letter(String metadata) {
            for (String text : List.of(
                    PREFIX + ",\"metadata\":" + metadata + "}",
                    PREFIX + ",\"metadata\":" + metadata + ",\"notes\":\"n\"}")) {
                License license = LicenseJson.decode(text);

                assertThat(license.terms().metadata()).isEqualTo(metadata);
                assertThat(LicenseJson.encode(license)).isEqualTo(text);
            }
        }

        @Test
        void keep_metadata_with_numbers_of_many_digits_to_the_letter() {
            for (String number : List.of("7".repeat(4000), "0." + "7".repeat(4000), "1e" + "7".repeat(4000))) {
                String text = PREFIX + ",\"metadata\":{\"a\":" + number + "}}";

                assertThat(LicenseJson.encode(LicenseJson.decode(text))).isEqualTo(text);
            }
        }

        @Test
        void keep_long_metadata_to_the_letter() {
            // Over 4,000 characters the parser reads in pieces, which can end anywhere.
            for (int shift = 0; shift < 100; shift++) {
                String metadata = "{\"a\":\"" + "x".repeat(3990 + shift) + "\\u0041\ud83d\ude00\"}";
                String text = PREFIX + ",\"metadata\":" + metadata + "}";

                assertThat(LicenseJson.decode(text).terms().metadata()).isEqualTo(metadata);
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "\"disabledReason\":5",
                    "\"expiresAt\":\"2024-06-21\"",
                    "\"expiresAt\":-1",
                    "\"expiresAt\":1.0",
                    "\"product\":[]",
                    "\"metadata\":\"text\"",
                    "\"metadata\":[]",
                    "\"metadata\":{",
                    "\"notes\":{}",
                    "\"idleDays\":\"5\"",
                    "\"idleDays\":2147483648",
                    "\"newMachinesPer30Days\":true",
                    "\"newMachines\":{}",
                    "\"newMachines\":[5]"
                })
        void are_unreadable_where_they_are_something_else(String field) {
            assertThatThrownBy(() -> LicenseJson.decode(PREFIX + "," + field + "}"))
                    .isInstanceOf(UnreadableLicenseException.class);
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"label\":5", "\"lastSeenAt\":\"x\"", "\"lastSeenAt\":-1"})
        void of_a_machine_are_unreadable_where_they_are_something_else(String field) {
            assertThatThrownBy(() -> LicenseJson.decode(RECORD.replace("}]", "," + field + "}]")))
                    .isInstanceOf(UnreadableLicenseException.class);
        }
    }

    /** Whichever of the two readers it is left to. */
    @Nested
    class EveryTerm {
        static List<Term> terms() {
            return Term.ALL;
        }

        @ParameterizedTest
        @MethodSource("terms")
        void is_stored_under_its_name_and_read_back(Term term) {
            Object value = sample(term);
            License license = new License(
                    LICENSE.key(),
                    LICENSE.email(),
                    TIME,
                    Terms.of(other -> other.equals(term) ? value : other.equals(Term.MAX_MACHINES) ? 3 : null),
                    false,
                    null,
                    List.of(),
                    List.of(),
                    "");

            String text = LicenseJson.encode(license);

            assertThat(text).contains("\"" + term.field() + "\":");
            assertThat(LicenseJson.parse(text)).isEqualTo(license);
            assertThat(LicenseJson.decode(text)).isEqualTo(license);
        }

        private static Object sample(Term term) {
            return switch (term.type()) {
                case NUMBER -> 7;
                case TIME -> TIME;
                case LINE, PROSE -> "text";
                case OBJECT -> "{\"a\" : 1.0}";
            };
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
                            .matches("[A-Za-z0-9]+ (is|holds|follows) [A-Za-z0-9 ]+|text follows it");
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
