package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import licenseserver.Linearizability.Operation;
import org.junit.jupiter.api.Test;

class LinearizabilityTest {
    @Test
    void accepts_operations_one_after_the_other() {
        assertThat(check(List.of(write(1, 0, 1), read(1, 2, 3), write(2, 4, 5), read(2, 6, 7))))
                .isTrue();
    }

    @Test
    void accepts_either_order_of_operations_at_the_same_time() {
        assertThat(check(List.of(write(1, 0, 10), read(0, 1, 2), read(1, 3, 4))))
                .isTrue();
        assertThat(check(List.of(write(1, 0, 10), write(2, 0, 10), read(1, 11, 12))))
                .isTrue();
        assertThat(check(List.of(write(1, 0, 10), write(2, 0, 10), read(2, 11, 12))))
                .isTrue();
    }

    @Test
    void refuses_a_read_of_a_state_that_was_over() {
        assertThat(check(List.of(write(1, 0, 1), read(0, 2, 3)))).isFalse();
    }

    @Test
    void refuses_reads_that_go_back_in_time() {
        assertThat(check(List.of(write(1, 0, 10), read(1, 1, 2), read(0, 3, 4))))
                .isFalse();
    }

    @Test
    void refuses_a_read_of_what_nobody_wrote() {
        assertThat(check(List.of(write(1, 0, 1), read(7, 0, 9)))).isFalse();
    }

    @Test
    void lets_an_operation_of_unknown_outcome_happen_at_any_later_time_or_never() {
        assertThat(check(List.of(write(1, 0, Long.MAX_VALUE), read(0, 5, 6), read(1, 7, 8))))
                .isTrue();
        assertThat(check(List.of(write(1, 0, Long.MAX_VALUE), read(0, 5, 6), read(0, 7, 8))))
                .isTrue();
        assertThat(check(List.of(read(1, 0, 1), write(1, 2, Long.MAX_VALUE)))).isFalse();
    }

    private static boolean check(List<Operation<Integer>> history) {
        return Linearizability.isLinearizable(0, history);
    }

    private static Operation<Integer> write(int value, long called, long returned) {
        return new Operation<>("write " + value, called, returned, state -> Optional.of(value));
    }

    private static Operation<Integer> read(int value, long called, long returned) {
        return new Operation<>(
                "read " + value, called, returned, state -> state == value ? Optional.of(state) : Optional.empty());
    }
}
