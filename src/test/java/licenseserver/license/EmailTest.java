package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmailTest {
    @Nested
    class Parse {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "customer@example.com",
                    "a@b",
                    "first.last+tag@sub.example.co.uk",
                    "o'brien@example.com",
                    "müller@bücher.example",
                    "用户@例子.广告",
                    "\ud83d\ude00@example.com",
                    "x@[127.0.0.1]"
                })
        void takes_an_address_as_it_is(String address) {
            assertThat(Email.parse(address)).contains(new Email(address));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "Customer@Example.COM",
                    " customer@example.com ",
                    "\tcustomer@example.com\r\n",
                    "\u00a0customer@example.com\u00a0",
                    "\u3000customer@example.com\u2003"
                })
        void forgives_letter_case_and_surrounding_white_space(String given) {
            assertThat(Email.parse(given)).contains(new Email("customer@example.com"));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    " ",
                    "customer",
                    "@",
                    "customer@",
                    "@example.com",
                    " @example.com",
                    "customer@ ",
                    "customer.example.com",
                    "customer@example.com@",
                    "\"quoted@local\"@example.com",
                    "a@b@c"
                })
        void refuses_what_has_no_text_on_both_sides_of_an_at(String given) {
            assertThat(Email.parse(given)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "cus tomer@example.com",
                    "customer@exam ple.com",
                    "customer @example.com",
                    "a@b.c, d@e.f",
                    "cus\ttomer@example.com",
                    "customer@example.com\nBcc: other@example.com",
                    "cus\u00a0tomer@example.com",
                    "customer@exam\u2028ple.com",
                    "cus\u0000tomer@example.com",
                    "customer@exam\u007fple.com",
                    "customer@exam\u0085ple.com"
                })
        void refuses_white_space_and_control_characters_inside(String given) {
            assertThat(Email.parse(given)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"a@b,c@d", "a@b;c@d", "a@b,", "a,b@c", "a@b;", "a;b@c", "<a@b>", "Ada<a@b>", "a@b>", "a<b@c"
                })
        void refuses_what_a_list_of_addresses_has(String given) {
            assertThat(Email.parse(given)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(strings = {"\ud83d@example.com", "customer@\ude00"})
        void refuses_halves_of_characters(String given) {
            assertThat(Email.parse(given)).isEmpty();
        }

        @Test
        void takes_at_most_254_characters() {
            assertThat(Email.parse("a".repeat(252) + "@b")).isPresent();
            assertThat(Email.parse("  " + "a".repeat(252) + "@b  ")).isPresent();
            assertThat(Email.parse("a".repeat(253) + "@b")).isEmpty();
        }

        @Test
        void needs_no_long_time_for_long_input() {
            assertThat(Email.parse("@a".repeat(8000))).isEmpty();
            assertThat(Email.parse(" ".repeat(16_000) + "@")).isEmpty();
        }

        @Test
        void does_not_depend_on_the_language_of_the_machine() {
            assertThat(Email.parse("INFO@EXAMPLE.COM")).contains(new Email("info@example.com"));
        }
    }

    @Nested
    class Of {
        @Test
        void takes_any_text_of_an_imported_record() {
            assertThat(Email.of(" No Address ")).isEqualTo(new Email("no address"));
        }
    }

    @Nested
    class AsString {
        @Test
        void shows_nothing() {
            assertThat(new Email("customer@example.com")).hasToString("…@…");
        }
    }
}
