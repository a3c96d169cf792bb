package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.api.Test;

class MachineTest {
    @Test
    void as_a_string_does_not_name_its_owner() {
        var machine = new Machine("ada-laptop", Instant.EPOCH, "Ada's laptop", null, "");

        assertThat(machine).hasToString("Machine[activatedAt=1970-01-01T00:00:00Z]");
    }
}
