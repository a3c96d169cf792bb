package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import licenseserver.license.LicenseKey;
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
    void of_a_license_is_that_of_its_history() {
        var key = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");

        assertThat(ClusterSlot.of(RedisKeys.history(key))).isEqualTo(ClusterSlot.of(RedisKeys.record(key)));
    }
}
