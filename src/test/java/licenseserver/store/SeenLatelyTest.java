package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import licenseserver.license.LicenseKey;
import org.junit.jupiter.api.Test;

class SeenLatelyTest {
    private static final int MINUTE = 28_650_000;

    private final SeenLately lately = new SeenLately(1 << 20);

    private static long machine(int number) {
        return Sign.digest(new LicenseKey("KEY"), Sign.digest("machine-" + number));
    }

    @Test
    void takes_a_machine_once_an_hour() {
        assertThat(lately.add(machine(1), MINUTE)).isTrue();
        assertThat(lately.add(machine(1), MINUTE)).isFalse();
        assertThat(lately.add(machine(1), MINUTE + 59)).isFalse();
        assertThat(lately.add(machine(1), MINUTE + 60)).isTrue();
        assertThat(lately.add(machine(1), MINUTE + 119)).isFalse();
    }

    @Test
    void takes_a_machine_again_if_the_clock_was_set_back() {
        assertThat(lately.add(machine(1), MINUTE)).isTrue();
        assertThat(lately.add(machine(1), MINUTE - 1)).isTrue();
    }

    @Test
    void takes_a_machine_again_that_was_removed() {
        lately.add(machine(1), MINUTE);
        lately.add(machine(2), MINUTE);

        lately.remove(machine(1));

        assertThat(lately.add(machine(1), MINUTE)).isTrue();
        assertThat(lately.add(machine(2), MINUTE)).isFalse();
    }

    /** A machine that it takes for another one would not be seen; one that it has forgotten is only written again. */
    @Test
    void takes_every_new_machine_and_forgets_few_of_half_as_many_as_it_has_room_for() {
        int count = (1 << 20) / Long.BYTES / 2;
        assertThat(IntStream.range(0, count).filter(number -> lately.add(machine(number), MINUTE)))
                .hasSize(count);

        long forgotten = IntStream.range(0, count)
                .filter(number -> lately.add(machine(number), MINUTE))
                .count();

        assertThat(forgotten).isLessThan(count * 6L / 100);
    }

    @Test
    void forgets_the_machines_that_were_seen_the_longest_time_ago() {
        var small = new SeenLately(64);
        IntStream.range(0, 8).forEach(number -> small.add(machine(number), MINUTE + number));

        small.add(machine(8), MINUTE + 8);

        assertThat(IntStream.range(1, 9).filter(number -> small.add(machine(number), MINUTE + 8)))
                .isEmpty();
        assertThat(small.add(machine(0), MINUTE + 8)).isTrue();
    }
}
