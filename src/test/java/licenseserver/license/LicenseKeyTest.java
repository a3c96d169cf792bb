package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LicenseKeyTest {
    private static final String KEY = "K7FH-WP3A-M9QZ-B2CD";

    @Nested
    class Random {
        private static final String ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        private static final int KEYS = 20_000;

        private final SecureRandom random = seeded();

        @Test
        void has_four_groups_of_four_unmistakable_characters() {
            for (int i = 0; i < 1000; i++) {
                assertThat(LicenseKey.random(random).value())
                        .matches("[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}");
            }
        }

        @Test
        void has_each_character_equally_often_at_each_place() {
            var counts = new HashMap<String, Integer>();
            for (int i = 0; i < KEYS; i++) {
                String characters = LicenseKey.random(random).value().replace("-", "");
                for (int place = 0; place < characters.length(); place++) {
                    counts.merge(place + ":" + characters.charAt(place), 1, Integer::sum);
                }
            }
            // 625 expected, with a standard deviation of 25.
            assertThat(counts).hasSize(16 * ALPHABET.length());
            assertThat(counts.values()).allSatisfy(count -> assertThat(count).isBetween(500, 750));
        }

        @Test
        void has_each_character_equally_often_over_all() {
            Map<Integer, Integer> counts = new HashMap<>();
            for (int i = 0; i < KEYS; i++) {
                LicenseKey.random(random)
                        .value()
                        .replace("-", "")
                        .chars()
                        .forEach(character -> counts.merge(character, 1, Integer::sum));
            }
            double expected = KEYS * 16.0 / ALPHABET.length();
            double chiSquare = counts.values().stream()
                    .mapToDouble(count -> (count - expected) * (count - expected) / expected)
                    .sum();
            // With 31 degrees of freedom one sample in a million is above 83.
            assertThat(chiSquare).isLessThan(83);
        }

        @Test
        void is_never_the_same_twice() {
            var keys = new HashSet<LicenseKey>();
            for (int i = 0; i < KEYS; i++) {
                assertThat(keys.add(LicenseKey.random(random))).isTrue();
            }
        }

        @Test
        void is_read_back_as_itself() {
            for (int i = 0; i < 1000; i++) {
                LicenseKey key = LicenseKey.random(random);
                assertThat(LicenseKey.parse(key.value())).contains(key);
            }
        }

        private static SecureRandom seeded() {
            try {
                SecureRandom random = SecureRandom.getInstance("SHA1PRNG");
                random.setSeed(20_240_621);
                return random;
            } catch (NoSuchAlgorithmException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Nested
    class Parse {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    KEY,
                    "k7fh-wp3a-m9qz-b2cd",
                    "K7fh-Wp3a-m9qZ-b2Cd",
                    "  K7FH-WP3A-M9QZ-B2CD\t\r\n",
                    "\u00a0K7FH-WP3A-M9QZ-B2CD\u00a0",
                    "\u3000K7FH-WP3A-M9QZ-B2CD\u2003",
                    "K7FHWP3AM9QZB2CD",
                    "k7fhwp3am9qzb2cd",
                    "K7FHWP3A-M9QZB2CD",
                    "K7FH WP3A M9QZ B2CD",
                    "K7FH  WP3A\tM9QZ\u00a0B2CD",
                    "K7FH - WP3A - M9QZ - B2CD",
                    "K7FH--WP3A--M9QZ--B2CD",
                    "K7FH\u2010WP3A\u2011M9QZ\u2012B2CD",
                    "K7FH\u2013WP3A\u2014M9QZ\u2015B2CD",
                    "K7FH\u2212WP3A\ufe63M9QZ\uff0dB2CD",
                })
        void forgives_letter_case_white_space_and_dashes(String typed) {
            assertThat(LicenseKey.parse(typed)).contains(new LicenseKey(KEY));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "K7FH-WP3A-M9QZ-B2C",
                    "K7FH-WP3A-M9QZ-B2CDE",
                    "K7FH-WP3A-M9QZ-B2C0",
                    "K7FH-WP3A-M9QZ-B2CI",
                    "K7FH_WP3A_M9QZ_B2CD"
                })
        void takes_nothing_else_for_the_same_key(String typed) {
            assertThat(LicenseKey.parse(typed)).isPresent().get().isNotEqualTo(new LicenseKey(KEY));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "A",
                    "LEGACY-0001",
                    "PRO_2019.11/7:IO01",
                    "0F8FAD5B-D9CB-469F-A165-70867728950E",
                    "ÄÖÜ-ÉÈ",
                    "KEY-\ud83d\ude00"
                })
        void keeps_an_imported_key_of_another_shape(String key) {
            assertThat(LicenseKey.parse(key)).contains(new LicenseKey(key));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "legacy-0001",
                    " Legacy-0001\n",
                    "LEGACY 0001",
                    "LEGACY\u20130001",
                    "LEGACY - 0001",
                    "\u00a0LEGACY-0001\u00a0",
                    "\u3000 LEGACY-0001 \u2007"
                })
        void forgives_an_imported_key_the_same(String typed) {
            assertThat(LicenseKey.parse(typed)).contains(new LicenseKey("LEGACY-0001"));
        }

        @Test
        void does_not_depend_on_the_language_of_the_machine() {
            assertThat(LicenseKey.parse("pixi")).contains(new LicenseKey("PIXI"));
        }

        @Test
        void takes_at_most_64_characters() {
            assertThat(LicenseKey.parse("X".repeat(64))).contains(new LicenseKey("X".repeat(64)));
            assertThat(LicenseKey.parse(" " + "X".repeat(64) + " ")).isPresent();
            assertThat(LicenseKey.parse("X".repeat(65))).isEmpty();
            assertThat(LicenseKey.parse("X".repeat(16_000))).isEmpty();
        }

        @Test
        void counts_the_characters_of_the_stored_form() {
            assertThat(LicenseKey.parse("ß".repeat(32))).contains(new LicenseKey("S".repeat(64)));
            assertThat(LicenseKey.parse("ß".repeat(33))).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(strings = {"", " ", "\t\r\n", "\u00a0", "\u3000\u2003"})
        void finds_no_key_in_nothing(String typed) {
            assertThat(LicenseKey.parse(typed)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{K7FH}-WP3A-M9QZ-B2CD",
                    "{",
                    "KEY}",
                    "KEY\u0000",
                    "KEY\u001b[0m",
                    "KEY\u007f",
                    "KEY\u0085",
                    "KEY\u009f",
                    "KEY\ud83d",
                    "\ude00KEY"
                })
        void finds_no_key_in_braces_control_characters_and_halves_of_characters(String typed) {
            assertThat(LicenseKey.parse(typed)).isEmpty();
        }
    }

    @Nested
    class AsString {
        @Test
        void shows_the_last_four_characters_only() {
            assertThat(new LicenseKey(KEY)).hasToString("…B2CD");
        }

        @Test
        void may_be_that_of_a_shorter_key() {
            assertThat(new LicenseKey("AB")).hasToString("…AB");
            assertThat(new LicenseKey("")).hasToString("…");
        }
    }
}
