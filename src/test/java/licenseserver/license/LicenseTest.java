package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LicenseTest {
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final Email EMAIL = new Email("customer@example.com");
    private static final Instant NOW = Instant.parse("2024-06-21T20:00:00.123456789Z");

    private static Machine machine(String machineId, Instant activatedAt) {
        return new Machine(machineId, activatedAt, null, null, "");
    }

    @Nested
    class Issue {
        @Test
        void makes_a_license_that_is_active_nowhere() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(3));

            assertThat(license)
                    .isEqualTo(new License(
                            KEY,
                            "customer@example.com",
                            Instant.parse("2024-06-21T20:00:00.123Z"),
                            Terms.of(3),
                            false,
                            null,
                            List.of(),
                            List.of(),
                            ""));
        }
    }

    @Nested
    class Machines {
        @Test
        void are_a_copy_that_nobody_changes() {
            var machines = new ArrayList<>(List.of(machine("one", NOW)));
            var license = new License(KEY, EMAIL.address(), NOW, Terms.of(3), false, null, machines, machines, "");

            machines.clear();

            assertThat(license.machines()).hasSize(1);
            assertThat(license.newMachines()).hasSize(1);
            assertThatThrownBy(() -> license.machines().clear()).isInstanceOf(UnsupportedOperationException.class);
        }

        @Test
        void are_told_apart_by_their_exact_id() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(3)).withMachine(machine("Machine", NOW));

            assertThat(license.isActiveOn("Machine")).isTrue();
            assertThat(license.isActiveOn("machine")).isFalse();
            assertThat(license.isActiveOn("Machine ")).isFalse();
        }

        @Test
        void are_in_the_order_of_their_activation() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(3))
                    .withMachine(machine("b", NOW))
                    .withMachine(machine("a", NOW.plusSeconds(1)))
                    .withMachine(machine("c", NOW.plusSeconds(2)))
                    .withoutMachine("a");

            assertThat(license.machines()).containsExactly(machine("b", NOW), machine("c", NOW.plusSeconds(2)));
        }
    }

    @Nested
    class RemainingSlots {
        @Test
        void are_what_the_machines_leave() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(2));

            assertThat(license.remainingSlots()).isEqualTo(2);
            assertThat(license.withMachine(machine("one", NOW)).remainingSlots())
                    .isEqualTo(1);
            assertThat(license.withMachine(machine("one", NOW))
                            .withMachine(machine("two", NOW))
                            .remainingSlots())
                    .isZero();
        }

        @Test
        void are_never_below_zero() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(0)).withMachine(machine("one", NOW));

            assertThat(license.remainingSlots()).isZero();
        }
    }

    @Nested
    class BelongsTo {
        @Test
        void compares_addresses_without_letter_case_and_surrounding_white_space() {
            var license =
                    new License(KEY, " Customer@Example.com ", NOW, Terms.of(3), false, null, List.of(), List.of(), "");

            assertThat(license.belongsTo(EMAIL)).isTrue();
            assertThat(license.belongsTo(new Email("other@example.com"))).isFalse();
        }
    }

    @Nested
    class WithKey {
        @Test
        void keeps_all_else() {
            var license = new License(
                    KEY,
                    "E@x",
                    NOW,
                    new Terms(2, NOW, "product", "{}", "notes", 4, 5),
                    true,
                    "why",
                    List.of(new Machine("one", NOW, "label", NOW, "\"a\":1")),
                    List.of(machine("two", NOW)),
                    "\"plan\":\"pro\"");

            assertThat(license.withKey(new LicenseKey("OTHER")))
                    .isEqualTo(new License(
                            new LicenseKey("OTHER"),
                            license.email(),
                            license.createdAt(),
                            license.terms(),
                            license.disabled(),
                            license.disabledReason(),
                            license.machines(),
                            license.newMachines(),
                            license.unknownFields()));
        }
    }

    @Nested
    class MachineId {
        @ParameterizedTest
        @ValueSource(strings = {"machine-001", " ", "a b", "{}\"'\\", "é中", "\ud83d\ude00", "\u00a0\u2028"})
        void may_hold_any_visible_text(String machineId) {
            assertThat(Machine.isValidId(machineId)).isTrue();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"\u0000", "a\nb", "a\tb", "\u001f", "\u007f", "\u0080", "\u009f", "a\ud83d", "\ude00\ud83d"})
        void holds_no_control_characters_and_halves_of_characters(String machineId) {
            assertThat(Machine.isValidId(machineId)).isFalse();
        }

        @Test
        void has_at_most_256_characters() {
            assertThat(Machine.isValidId("x".repeat(256))).isTrue();
            assertThat(Machine.isValidId("\ud83d\ude00".repeat(128))).isTrue();
            assertThat(Machine.isValidId("x".repeat(257))).isFalse();
        }
    }

    @Nested
    class AsString {
        @Test
        void shows_neither_key_nor_address_nor_machine() {
            License license = License.issue(KEY, EMAIL, NOW, Terms.of(3)).withMachine(machine("owners-laptop", NOW));

            assertThat(license).hasToString("License[…B2CD]");
            assertThat(license.machines().get(0).toString()).doesNotContain("owners-laptop");
        }
    }
}
