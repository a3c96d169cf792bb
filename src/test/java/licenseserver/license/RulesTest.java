package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.BiConsumer;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Save;
import licenseserver.license.Rules.Activation;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RulesTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);

    @Nested
    class Activate {
        @Test
        void refuses_where_there_is_no_license() {
            assertThat(Rules.activate(null, "one", NOW)).isEqualTo(new Keep<>(new Activation(Verdict.NOT_FOUND, 0)));
        }

        @Test
        void refuses_when_the_license_is_disabled() {
            assertThat(Rules.activate(disabled(license(3)), "one", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.DISABLED, 0)));
        }

        @Test
        void refuses_as_disabled_before_it_looks_for_the_machine() {
            assertThat(Rules.activate(disabled(license(3, "one")), "one", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.DISABLED, 0)));
        }

        @Test
        void refuses_as_disabled_before_it_counts_the_slots() {
            assertThat(Rules.activate(disabled(license(1, "one")), "two", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.DISABLED, 0)));
        }

        @Test
        void gives_a_slot() {
            assertThat(Rules.activate(license(3, "one"), "two", NOW))
                    .isEqualTo(new Save<>(license(3, "one", "two"), new Activation(Verdict.OK, 1)));
        }

        @Test
        void gives_the_last_slot() {
            assertThat(Rules.activate(license(2, "one"), "two", NOW))
                    .isEqualTo(new Save<>(license(2, "one", "two"), new Activation(Verdict.OK, 0)));
        }

        @Test
        void refuses_when_every_slot_is_taken() {
            assertThat(Rules.activate(license(2, "one", "two"), "three", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.LIMIT_EXCEEDED, 0)));
        }

        @Test
        void refuses_when_more_than_every_slot_is_taken() {
            assertThat(Rules.activate(license(1, "one", "two"), "three", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.LIMIT_EXCEEDED, 0)));
        }

        @Test
        void refuses_when_there_are_no_slots() {
            assertThat(Rules.activate(license(0), "one", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.LIMIT_EXCEEDED, 0)));
        }

        @Test
        void uses_no_slot_for_an_active_machine() {
            assertThat(Rules.activate(license(3, "one"), "one", NOW.plusSeconds(1)))
                    .isEqualTo(new Keep<>(new Activation(Verdict.OK, 2)));
        }

        @Test
        void lets_an_active_machine_in_although_every_slot_is_taken() {
            assertThat(Rules.activate(license(1, "one", "two"), "two", NOW))
                    .isEqualTo(new Keep<>(new Activation(Verdict.OK, 0)));
        }

        @Test
        void keeps_what_it_does_not_know() {
            var license = new License(
                    new LicenseKey("KEY"),
                    "E@x",
                    NOW,
                    2,
                    false,
                    List.of(new Machine("one", NOW, "\"os\":\"linux\"")),
                    "\"plan\":\"pro\"");

            License saved = saved(Rules.activate(license, "two", NOW), license);

            assertThat(saved.unknownFields()).isEqualTo("\"plan\":\"pro\"");
            assertThat(saved.machines().get(0)).isEqualTo(license.machines().get(0));
        }
    }

    @Nested
    class Validate {
        @Test
        void refuses_where_there_is_no_license() {
            assertThat(Rules.validate(null, "one")).isEqualTo(Verdict.NOT_FOUND);
        }

        @Test
        void refuses_when_the_license_is_disabled() {
            assertThat(Rules.validate(disabled(license(3, "one")), "one")).isEqualTo(Verdict.DISABLED);
        }

        @Test
        void refuses_as_disabled_before_it_looks_for_the_machine() {
            assertThat(Rules.validate(disabled(license(3)), "one")).isEqualTo(Verdict.DISABLED);
        }

        @Test
        void refuses_a_machine_that_is_not_active() {
            assertThat(Rules.validate(license(3, "one"), "two")).isEqualTo(Verdict.NOT_ACTIVATED);
        }

        @Test
        void says_yes_for_an_active_machine() {
            assertThat(Rules.validate(license(3, "one"), "one")).isEqualTo(Verdict.OK);
        }

        @Test
        void says_yes_for_an_active_machine_beyond_the_limit() {
            assertThat(Rules.validate(license(1, "one", "two"), "two")).isEqualTo(Verdict.OK);
        }
    }

    @Nested
    class Deactivate {
        @Test
        void refuses_where_there_is_no_license() {
            assertThat(Rules.deactivate(null, "one")).isEqualTo(new Keep<>(Verdict.NOT_FOUND));
        }

        @Test
        void takes_the_slot_back() {
            assertThat(Rules.deactivate(license(3, "one", "two", "three"), "two"))
                    .isEqualTo(new Save<>(license(3, "one", "three"), Verdict.OK));
        }

        @Test
        void changes_nothing_for_a_machine_that_is_not_active() {
            assertThat(Rules.deactivate(license(3, "one"), "two")).isEqualTo(new Keep<>(Verdict.OK));
        }

        @Test
        void lets_go_of_a_machine_although_the_license_is_disabled() {
            assertThat(Rules.deactivate(disabled(license(3, "one")), "one"))
                    .isEqualTo(new Save<>(disabled(license(3)), Verdict.OK));
        }

        @Test
        void changes_nothing_for_a_disabled_license_without_the_machine() {
            assertThat(Rules.deactivate(disabled(license(3, "one")), "two")).isEqualTo(new Keep<>(Verdict.OK));
        }
    }

    /** What holds for every license, shown on some thousand. */
    @Nested
    class Always {
        @Test
        void activation_adds_one_machine_at_most_and_never_goes_beyond_the_limit() {
            forEveryLicense((license, machineId) -> {
                License after = saved(Rules.activate(license, machineId, NOW), license);

                int before = license.machines().size();
                assertThat(after.machines()).hasSizeBetween(before, before + 1);
                assertThat(after.machines().subList(0, before)).isEqualTo(license.machines());
                assertThat(after.machines().size()).isLessThanOrEqualTo(Math.max(before, license.maxMachines()));
                assertThat(withMachines(after, license.machines())).isEqualTo(license);
            });
        }

        @Test
        void activation_says_yes_exactly_where_the_machine_is_active_afterwards() {
            forEveryLicense((license, machineId) -> {
                Decision<Activation> decision = Rules.activate(license, machineId, NOW);
                License after = saved(decision, license);

                boolean yes = decision.reply().verdict() == Verdict.OK;
                assertThat(yes).isEqualTo(Rules.validate(after, machineId) == Verdict.OK);
                assertThat(decision.reply().remainingSlots()).isEqualTo(yes ? after.remainingSlots() : 0);
            });
        }

        @Test
        void activation_changes_nothing_the_second_time() {
            forEveryLicense((license, machineId) -> {
                Decision<Activation> first = Rules.activate(license, machineId, NOW);
                License after = saved(first, license);

                assertThat(Rules.activate(after, machineId, NOW.plusSeconds(1))).isEqualTo(new Keep<>(first.reply()));
            });
        }

        @Test
        void deactivation_removes_that_machine_only() {
            forEveryLicense((license, machineId) -> {
                Decision<Verdict> decision = Rules.deactivate(license, machineId);
                License after = saved(decision, license);

                assertThat(decision.reply()).isEqualTo(Verdict.OK);
                assertThat(after.isActiveOn(machineId)).isFalse();
                var others = new ArrayList<>(license.machines());
                others.removeIf(machine -> machine.machineId().equals(machineId));
                assertThat(after).isEqualTo(withMachines(license, others));
            });
        }

        @Test
        void deactivation_changes_nothing_the_second_time() {
            forEveryLicense((license, machineId) -> {
                License after = saved(Rules.deactivate(license, machineId), license);

                assertThat(Rules.deactivate(after, machineId)).isEqualTo(new Keep<>(Verdict.OK));
            });
        }

        @Test
        void deactivation_takes_an_activation_back() {
            forEveryLicense((license, machineId) -> {
                if (Rules.activate(license, machineId, NOW) instanceof Save<Activation> activated) {
                    assertThat(Rules.deactivate(activated.license(), machineId))
                            .isEqualTo(new Save<>(license, Verdict.OK));
                }
            });
        }

        @Test
        void a_license_is_saved_only_where_it_changed() {
            forEveryLicense((license, machineId) -> {
                if (Rules.activate(license, machineId, NOW) instanceof Save<Activation> save) {
                    assertThat(save.license()).isNotEqualTo(license);
                }
                if (Rules.deactivate(license, machineId) instanceof Save<Verdict> save) {
                    assertThat(save.license()).isNotEqualTo(license);
                }
            });
        }

        @Test
        void any_sequence_of_calls_stays_within_the_limit() {
            var random = new Random(2);
            for (int run = 0; run < 200; run++) {
                int maxMachines = random.nextInt(5);
                License license = license(maxMachines);
                for (int call = 0; call < 50; call++) {
                    String machineId = "machine-" + random.nextInt(8);
                    license = random.nextInt(3) == 0
                            ? saved(Rules.deactivate(license, machineId), license)
                            : saved(Rules.activate(license, machineId, NOW), license);
                    assertThat(license.machines()).hasSizeLessThanOrEqualTo(maxMachines);
                    assertThat(license.machines().stream().map(Machine::machineId))
                            .doesNotHaveDuplicates();
                }
            }
        }

        private void forEveryLicense(BiConsumer<License, String> property) {
            var licenses = new RandomLicenses(1);
            for (int i = 0; i < 3000; i++) {
                License license = licenses.get();
                property.accept(license, licenses.machineIdNear(license));
            }
        }
    }

    private static License license(int maxMachines, String... machineIds) {
        License license = License.issue(new LicenseKey("KEY"), new Email("a@b"), NOW, maxMachines);
        for (String machineId : machineIds) {
            license = license.withMachine(machineId, NOW);
        }
        return license;
    }

    private static License disabled(License license) {
        return new License(
                license.key(),
                license.email(),
                license.createdAt(),
                license.maxMachines(),
                true,
                license.machines(),
                license.unknownFields());
    }

    private static License withMachines(License license, List<Machine> machines) {
        return new License(
                license.key(),
                license.email(),
                license.createdAt(),
                license.maxMachines(),
                license.disabled(),
                machines,
                license.unknownFields());
    }

    private static <R> License saved(Decision<R> decision, License otherwise) {
        return decision instanceof Save<R> save ? save.license() : otherwise;
    }
}
