package licenseserver.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ValuesTest {
    private static final Setting<Integer> DECLARED =
            Setting.wholeNumber("DECLARED", 1, 0, 9, "A number in the list of its section.");
    private static final Setting<Integer> FORGOTTEN =
            Setting.wholeNumber("FORGOTTEN", 1, 0, 9, "A number that the list lacks.");
    private static final List<Section> SECTIONS = List.of(new Section("Test", List.of(DECLARED)));

    @Test
    void gives_a_setting_that_is_declared() {
        assertThat(Values.of(Map.of("DECLARED", "2"), SECTIONS).get(DECLARED)).isEqualTo(2);
    }

    @Test
    void refuses_to_read_a_setting_that_no_section_lists() {
        Values values = Values.of(Map.of("FORGOTTEN", "2"), SECTIONS);

        assertThatThrownBy(() -> values.get(FORGOTTEN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("FORGOTTEN is not in the list of its section");
    }
}
