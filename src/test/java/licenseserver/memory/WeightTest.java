package licenseserver.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WeightTest {
    @Test
    void of_no_text_is_nothing() {
        assertThat(Weight.of(null)).isZero();
        assertThat(Weight.of("")).isZero();
    }

    @Test
    void of_a_text_is_its_object_and_a_byte_for_each_character() {
        assertThat(Weight.of("x".repeat(4_000))).isBetween(4_000L + 40, 4_000L + 48);
    }

    @Test
    void of_a_text_with_a_character_that_needs_two_bytes_is_twice_as_much() {
        assertThat(Weight.of("x".repeat(3_999) + "…")).isBetween(8_000L + 40, 8_000L + 48);
    }
}
