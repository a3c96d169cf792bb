package licenseserver.redis;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClusterSlotTest {
    /** As {@code CLUSTER KEYSLOT} has it. */
    @ParameterizedTest
    @CsvSource({"123456789, 12739", "'', 0", "foo, 12182", "{foo}bar, 12182", "a{foo}{bar}, 12182", "foo{}{bar}, 8363"})
    void is_that_of_redis(String key, int slot) {
        assertThat(ClusterSlot.of(key)).isEqualTo(slot);
    }

    @Test
    void is_decided_by_what_the_first_braces_enclose() {
        assertThat(ClusterSlot.of("events:{license:K7FH}")).isEqualTo(ClusterSlot.of("license:K7FH"));
        assertThat(ClusterSlot.of("seen:{license:K7FH}")).isEqualTo(ClusterSlot.of("license:K7FH"));
    }

    @Test
    void has_a_short_tag_for_each_slot() {
        int[] tags = ClusterSlot.tags();

        assertThat(tags).hasSize(ClusterSlot.COUNT);
        for (int slot = 0; slot < tags.length; slot++) {
            assertThat(ClusterSlot.of("outbox:{" + tags[slot] + "}")).isEqualTo(slot);
            assertThat(tags[slot]).isBetween(0, 109_757);
        }
    }
}
