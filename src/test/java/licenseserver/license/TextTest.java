package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextTest {
    @ParameterizedTest
    @ValueSource(strings = {"", "plain", "two\nlines\tand a tab", "\ud83d\ude00"})
    void can_be_stored_if_every_character_is_whole(String text) {
        assertThat(Text.isStorable(text)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\ud83d", "a\ude00", "\ude00\ud83d"})
    void cannot_be_stored_with_half_of_a_character(String text) {
        assertThat(Text.isStorable(text)).isFalse();
    }

    @Test
    void is_not_printable_if_it_spans_lines() {
        assertThat(Text.isPrintable("two\nlines")).isFalse();
    }
}
