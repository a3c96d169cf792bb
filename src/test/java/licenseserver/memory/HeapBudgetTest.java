package licenseserver.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class HeapBudgetTest {
    @Test
    void adds_up_to_the_whole_heap() {
        assertThat(Stream.of(HeapBudget.values()).mapToInt(HeapBudget::percent).sum())
                .isEqualTo(100);
    }

    /** The program takes 10 % of 64 MB; the serial collector's young generation, which is for garbage, a third. */
    @Test
    void leaves_room_for_the_program_and_its_garbage() {
        assertThat(HeapBudget.RESERVE.percent()).isGreaterThanOrEqualTo(45);
    }

    @Test
    void is_in_bytes_of_the_largest_size_that_the_heap_may_have() {
        assertThat(HeapBudget.CONNECTIONS.bytes() * 100 / HeapBudget.CONNECTIONS.percent())
                .isBetween(
                        Runtime.getRuntime().maxMemory() - 100,
                        Runtime.getRuntime().maxMemory());
    }
}
