package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "plain", "Grüße", "\ud83d\ude00"})
    void is_printable_if_every_character_is_whole_and_on_one_line(String text) {
        assertThat(Text.isPrintable(text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"two\nlines", "a\ttab", "\u0085", "\ud83d", "a\ude00", "\ude00\ud83d"})
    void is_not_printable_with_a_control_character_or_half_of_a_character(String text) {
        assertThat(Text.isPrintable(text)).isFalse();
    }
}
