package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Remove;
import licenseserver.license.Decision.Save;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class RulesTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);

    @Nested
    class Activate {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(activate(null, "one", NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void refuses_when_the_license_is_disabled() {
            assertActivationRefused(disabled(license(3)), Verdict.DISABLED);
        }

        @Test
        void refuses_as_disabled_before_it_looks_for_the_machine() {
            assertActivationRefused(disabled(license(3, "new")), Verdict.DISABLED);
        }

        @Test
        void refuses_as_disabled_before_it_counts_the_slots() {
            assertActivationRefused(disabled(license(1, "one")), Verdict.DISABLED);
        }

        @Test
        void gives_a_slot() {
            assertSaved(activate(license(3, "one"), "two", NOW), license(3, "one", "two"));
        }

        @Test
        void gives_the_last_slot() {
            assertSaved(activate(license(2, "one"), "two", NOW), license(2, "one", "two"));
        }

        @Test
        void refuses_when_every_slot_is_taken() {
            assertActivationRefused(license(2, "one", "two"), Verdict.LIMIT_EXCEEDED);
        }

        @Test
        void refuses_when_more_than_every_slot_is_taken() {
            assertActivationRefused(license(1, "one", "two"), Verdict.LIMIT_EXCEEDED);
        }

        @Test
        void refuses_when_there_are_no_slots() {
            assertActivationRefused(license(0), Verdict.LIMIT_EXCEEDED);
        }

        @Test
        void uses_no_slot_for_an_active_machine() {
            assertKept(activate(license(3, "one"), "one", NOW.plusSeconds(1)), license(3, "one"));
        }

        @Test
        void lets_an_active_machine_in_although_every_slot_is_taken() {
            assertKept(activate(license(1, "one", "two"), "two", NOW), license(1, "one", "two"));
        }

        @Test
        void refuses_from_the_millisecond_on_in_which_the_license_expires() {
            License license = expiring(license(3, "one"));

            assertThat(activate(license, "two", NOW.minusNanos(1)).reply().verdict())
                    .isEqualTo(Verdict.OK);
            assertRefused(activate(license, "two", NOW), Verdict.EXPIRED, license);
            assertRefused(activate(license, "two", NOW.plusMillis(1)), Verdict.EXPIRED, license);
        }

        @Test
        void refuses_as_disabled_before_it_looks_at_the_time() {
            assertActivationRefused(disabled(expiring(license(3))), Verdict.DISABLED);
        }

        @Test
        void refuses_as_expired_before_it_looks_for_the_machine() {
            assertActivationRefused(expiring(license(3, "new")), Verdict.EXPIRED);
        }

        @Test
        void refuses_as_expired_before_it_counts_the_slots() {
            assertActivationRefused(expiring(license(1, "one")), Verdict.EXPIRED);
        }

        @Test
        void refuses_as_full_before_it_counts_new_machines() {
            License license = license(1, "one");

            assertRefused(Rules.activate(license, "two", null, new Policy(0, 1), NOW), Verdict.LIMIT_EXCEEDED, license);
        }

        @Test
        void tells_what_it_did_and_for_whom() {
            Instant now = NOW.plusNanos(1_999_999);

            assertThat(events(Rules.activate(license(3), "one", "Ada's laptop", Policy.NONE, now)))
                    .containsExactly(
                            new Event(NOW.plusMillis(1), What.ACTIVATED, Actor.CLIENT, "one", null, "Ada's laptop"));
        }

        @Test
        void notes_the_label_and_the_time_to_the_millisecond() {
            Instant now = NOW.plusNanos(1_999_999);

            License saved = saved(Rules.activate(license(3), "one", "Ada's laptop", Policy.NONE, now), license(3));

            assertThat(saved.machines())
                    .containsExactly(new Machine("one", NOW.plusMillis(1), "Ada's laptop", null, ""));
        }

        @Test
        void replaces_the_label_of_an_active_machine_and_nothing_else_of_it() {
            var first = new Machine("one", daysAgo(3), "first", daysAgo(1), "\"os\":\"linux\"");
            License license = with(2, machine("zero", NOW), first, machine("two", NOW));

            Decision<Answer> decision = Rules.activate(license, "one", "second", Policy.NONE, NOW);

            assertSaved(
                    decision,
                    with(
                            2,
                            machine("zero", NOW),
                            new Machine("one", daysAgo(3), "second", daysAgo(1), "\"os\":\"linux\""),
                            machine("two", NOW)));
            assertThat(events(decision))
                    .containsExactly(new Event(NOW, What.UPDATED, Actor.CLIENT, "one", "first", "second"));
        }

        @Test
        void labels_an_active_machine_that_had_no_label() {
            License saved = saved(
                    Rules.activate(license(3, "one"), "one", "first", Policy.NONE, NOW.plusMillis(5)), license(3));

            assertThat(saved.machines()).containsExactly(new Machine("one", NOW, "first", null, ""));
        }

        @Test
        void leaves_an_active_machine_alone_if_the_label_is_the_same_or_is_not_given() {
            License license = saved(Rules.activate(license(3), "one", "first", Policy.NONE, NOW), license(3));

            assertKept(Rules.activate(license, "one", "first", Policy.NONE, NOW), license);
            assertKept(Rules.activate(license, "one", null, Policy.NONE, NOW), license);
        }

        @Test
        void changes_no_label_on_a_license_that_is_disabled_or_expired() {
            License off = disabled(license(3, "one"));
            License over = expiring(license(3, "one"));

            assertRefused(Rules.activate(off, "one", "other", Policy.NONE, NOW), Verdict.DISABLED, off);
            assertRefused(Rules.activate(over, "one", "other", Policy.NONE, NOW), Verdict.EXPIRED, over);
        }

        @Test
        void keeps_what_it_does_not_know() {
            var license = new License(
                    new LicenseKey("KEY"),
                    "E@x",
                    NOW,
                    Terms.of(2),
                    false,
                    null,
                    List.of(new Machine("one", NOW, null, null, "\"os\":\"linux\"")),
                    List.of(),
                    "\"plan\":\"pro\"");

            License saved = saved(activate(license, "two", NOW), license);

            assertThat(saved.unknownFields()).isEqualTo("\"plan\":\"pro\"");
            assertThat(saved.machines().get(0)).isEqualTo(license.machines().get(0));
        }
    }

    @Nested
    class Validate {
        @Test
        void refuses_where_there_is_no_license() {
            assertThat(Rules.validate(null, "one", NOW)).isEqualTo(new Answer(Verdict.NOT_FOUND, null));
        }

        @Test
        void refuses_when_the_license_is_disabled() {
            assertValidated(disabled(license(3, "one")), "one", Verdict.DISABLED);
        }

        @Test
        void refuses_as_disabled_before_it_looks_for_the_machine() {
            assertValidated(disabled(license(3)), "one", Verdict.DISABLED);
        }

        @Test
        void refuses_a_machine_that_is_not_active() {
            assertValidated(license(3, "one"), "two", Verdict.NOT_ACTIVATED);
        }

        @Test
        void says_yes_for_an_active_machine() {
            assertValidated(license(3, "one"), "one", Verdict.OK);
        }

        @Test
        void says_yes_for_an_active_machine_beyond_the_limit() {
            assertValidated(license(1, "one", "two"), "two", Verdict.OK);
        }

        @Test
        void refuses_from_the_millisecond_on_in_which_the_license_expires() {
            License license = expiring(license(3, "one"));

            assertThat(Rules.validate(license, "one", NOW.minusNanos(1)).verdict())
                    .isEqualTo(Verdict.OK);
            assertValidated(license, "one", Verdict.EXPIRED);
            assertThat(Rules.validate(license, "one", NOW.plusMillis(1)).verdict())
                    .isEqualTo(Verdict.EXPIRED);
        }

        @Test
        void refuses_as_disabled_before_it_looks_at_the_time() {
            assertValidated(disabled(expiring(license(3, "one"))), "one", Verdict.DISABLED);
        }

        @Test
        void refuses_as_expired_before_it_looks_for_the_machine() {
            assertValidated(expiring(license(3)), "one", Verdict.EXPIRED);
        }

        private static void assertValidated(License license, String machineId, Verdict verdict) {
            assertThat(Rules.validate(license, machineId, NOW)).isEqualTo(new Answer(verdict, license));
        }
    }

    @Nested
    class Deactivate {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.deactivate(null, "one", NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void takes_the_slot_back() {
            assertSaved(Rules.deactivate(license(3, "one", "two", "three"), "two", NOW), license(3, "one", "three"));
        }

        @Test
        void changes_nothing_for_a_machine_that_is_not_active() {
            assertKept(Rules.deactivate(license(3, "one"), "two", NOW), license(3, "one"));
        }

        @Test
        void lets_go_of_a_machine_although_the_license_is_disabled() {
            assertSaved(Rules.deactivate(disabled(license(3, "one")), "one", NOW), disabled(license(3)));
        }

        @Test
        void changes_nothing_for_a_disabled_license_without_the_machine() {
            assertKept(Rules.deactivate(disabled(license(3, "one")), "two", NOW), disabled(license(3, "one")));
        }
    }

    /** A machine that was not seen for long gives its slot to a new one. */
    @Nested
    class IdleMachine {
        private static final Policy TEN_DAYS = new Policy(10, 0);

        @Test
        void gives_its_slot_to_a_new_one() {
            License license = with(2, seen("idle", 11), seen("busy", 1));

            assertSaved(activateAt(license, TEN_DAYS), with(2, seen("busy", 1), machine("new", NOW)));
        }

        @Test
        void is_told_of_before_the_new_one() {
            License license = with(1, seen("idle", 11));

            assertThat(events(activateAt(license, TEN_DAYS)))
                    .containsExactly(
                            new Event(NOW, What.DEACTIVATED, Actor.POLICY, "idle", null, "idle"),
                            new Event(NOW, What.ACTIVATED, Actor.CLIENT, "new", null, null));
        }

        @Test
        void is_the_one_that_was_seen_least_recently() {
            License license = with(3, seen("20", 20), seen("40", 40), seen("30", 30));

            License after = saved(activateAt(license, TEN_DAYS), license);

            assertThat(after.machines()).extracting(Machine::machineId).containsExactly("20", "30", "new");
        }

        @Test
        void is_one_at_a_time() {
            License license = with(2, seen("40", 40), seen("30", 30));

            assertThat(saved(activateAt(license, TEN_DAYS), license).machines()).hasSize(2);
        }

        @Test
        void is_one_that_was_last_activated_that_long_ago_where_it_was_never_seen() {
            License license = with(2, machine("a", daysAgo(12)), machine("b", daysAgo(11)));

            assertSaved(activateAt(license, TEN_DAYS), with(2, machine("b", daysAgo(11)), machine("new", NOW)));
        }

        @Test
        void was_not_seen_for_more_than_the_days() {
            License onTheDay = with(1, machine("a", daysAgo(10)));
            License after = with(1, machine("a", daysAgo(10).minusMillis(1)));

            assertRefused(activateAt(onTheDay, TEN_DAYS), Verdict.LIMIT_EXCEEDED, onTheDay);
            assertSaved(activateAt(after, TEN_DAYS), with(1, machine("new", NOW)));
        }

        @Test
        void keeps_its_slot_while_there_are_others() {
            License license = with(2, seen("idle", 40));

            assertSaved(activateAt(license, TEN_DAYS), with(2, seen("idle", 40), machine("new", NOW)));
        }

        @Test
        void keeps_its_slot_where_more_machines_are_active_than_allowed() {
            License license = with(1, seen("40", 40), seen("30", 30));

            assertRefused(activateAt(license, TEN_DAYS), Verdict.LIMIT_EXCEEDED, license);
        }

        @Test
        void keeps_its_slot_by_default() {
            License license = with(1, seen("idle", 36_000));

            assertRefused(activateAt(license, Policy.NONE), Verdict.LIMIT_EXCEEDED, license);
        }

        @Test
        void keeps_its_slot_where_the_new_one_is_one_too_many_in_30_days() {
            License license = with(2, seen("idle", 20), machine("fresh", daysAgo(1)));

            assertThat(activateAt(license, new Policy(10, 1)))
                    .isEqualTo(new Keep<>(new Answer(Verdict.TOO_MANY_NEW_MACHINES, license), true));
        }

        @Test
        void is_what_the_license_says_where_it_says_something() {
            License five = idleDays(with(1, seen("idle", 6)), 5);
            License never = idleDays(with(1, seen("idle", 40)), 0);

            assertThat(activateAt(five, Policy.NONE).reply().verdict()).isEqualTo(Verdict.OK);
            assertThat(activateAt(five, TEN_DAYS).reply().verdict()).isEqualTo(Verdict.OK);
            assertRefused(activateAt(never, TEN_DAYS), Verdict.LIMIT_EXCEEDED, never);
        }

        private static License idleDays(License license, int days) {
            return license.withTerms(new Terms(license.maxMachines(), null, null, null, null, days, null));
        }

        private static Machine seen(String machineId, int days) {
            return new Machine(machineId, daysAgo(days + 100), null, daysAgo(days), "");
        }
    }

    /** Too many machines that were not on the license before, within 30 days. */
    @Nested
    class NewMachines {
        private static final Policy TWO = new Policy(0, 2);

        @Test
        void are_refused_beyond_the_limit() {
            License license = after(after(with(9), "one", daysAgo(2)), "two", daysAgo(1));

            assertRefused(activateAt(license, TWO), Verdict.TOO_MANY_NEW_MACHINES, license);
        }

        @Test
        void count_although_they_were_deactivated_since() {
            License license = after(after(with(9), "one", daysAgo(2)), "two", daysAgo(1));
            License empty = saved(Rules.resetMachines(license, null, NOW), license);

            assertThat(empty.machines()).isEmpty();
            assertRefused(activateAt(empty, TWO), Verdict.TOO_MANY_NEW_MACHINES, empty);
        }

        @Test
        void are_not_those_that_come_back() {
            License license = after(after(with(9), "one", daysAgo(2)), "two", daysAgo(1));
            License without = saved(Rules.deactivate(license, "one", NOW), license);

            Decision<Answer> back = Rules.activate(without, "one", null, TWO, NOW);

            assertThat(back.reply().verdict()).isEqualTo(Verdict.OK);
            assertThat(saved(back, without).newMachines()).isEqualTo(license.newMachines());
        }

        @Test
        void are_forgotten_after_30_days_to_the_millisecond() {
            License license = after(after(with(9), "one", daysAgo(30).plusMillis(1)), "two", daysAgo(1));

            assertRefused(activateAt(license, TWO), Verdict.TOO_MANY_NEW_MACHINES, license);
            assertThat(Rules.activate(license, "new", null, TWO, NOW.plusMillis(1))
                            .reply()
                            .verdict())
                    .isEqualTo(Verdict.OK);
        }

        @Test
        void leave_no_more_than_those_of_30_days_in_the_license() {
            License license = after(after(with(9), "one", daysAgo(60)), "two", daysAgo(10));

            License saved = saved(activateAt(license, TWO), license);

            assertThat(saved.newMachines()).extracting(Machine::machineId).containsExactly("two", "new");
        }

        @Test
        void are_also_those_that_were_activated_before_they_were_counted() {
            License license = with(9, machine("old", daysAgo(31)), machine("a", daysAgo(3)), machine("b", daysAgo(2)));

            assertRefused(activateAt(license, TWO), Verdict.TOO_MANY_NEW_MACHINES, license);
            assertThat(activateAt(license, new Policy(0, 3)).reply().verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void are_any_number_by_default_and_leave_no_trace() {
            License license = with(9, machine("a", NOW), machine("b", NOW));

            assertSaved(
                    activateAt(license, Policy.NONE),
                    with(9, machine("a", NOW), machine("b", NOW), machine("new", NOW)));
        }

        @Test
        void are_forgotten_where_they_are_counted_no_more() {
            License license = after(with(9), "one", daysAgo(1));
            assertThat(license.newMachines()).hasSize(1);

            assertThat(saved(activateAt(license, Policy.NONE), license).newMachines())
                    .isEmpty();
        }

        @Test
        void are_as_many_as_the_license_says_where_it_says_something() {
            License one = limit(with(9, machine("a", NOW)), 1);
            License any = limit(after(after(with(9), "one", daysAgo(2)), "two", daysAgo(1)), 0);

            assertRefused(activateAt(one, Policy.NONE), Verdict.TOO_MANY_NEW_MACHINES, one);
            assertRefused(activateAt(one, TWO), Verdict.TOO_MANY_NEW_MACHINES, one);
            assertThat(activateAt(any, TWO).reply().verdict()).isEqualTo(Verdict.OK);
        }

        /** The definition, word by word: what it costs grows with the square of the machines. */
        private static Optional<List<Machine>> counted(License license, Policy policy) {
            Integer own = license.terms().newMachinesPer30Days();
            int limit = own == null ? policy.newMachinesPer30Days() : own;
            if (limit == 0) {
                return Optional.of(List.of());
            }
            var recent = new ArrayList<>(license.newMachines());
            for (Machine active : license.machines()) {
                if (recent.stream().noneMatch(other -> other.machineId().equals(active.machineId()))) {
                    recent.add(machine(active.machineId(), active.activatedAt()));
                }
            }
            recent.removeIf(other -> !other.activatedAt().isAfter(daysAgo(30)));
            if (recent.stream().noneMatch(other -> other.machineId().equals("new"))) {
                if (recent.size() >= limit) {
                    return Optional.empty();
                }
                recent.add(machine("new", NOW));
            }
            return Optional.of(recent);
        }

        @Test
        void are_those_of_the_definition() {
            var random = new Random(1);
            for (int i = 0; i < 5000; i++) {
                License license =
                        with(99, someMachines(random, false)).withNewMachines(List.of(someMachines(random, true)));
                license = random.nextBoolean() ? license : limit(license, random.nextInt(6));
                var policy = new Policy(0, random.nextInt(6));

                Optional<List<Machine>> expected = counted(license, policy);

                Decision<Answer> decision = activateAt(license, policy);
                if (expected.isEmpty()) {
                    assertRefused(decision, Verdict.TOO_MANY_NEW_MACHINES, license);
                } else {
                    assertThat(saved(decision, license).newMachines()).isEqualTo(expected.get());
                }
            }
        }

        /** A few of a few ids, so that most are in both lists; never two active ones with the same id, nor the new one. */
        private static Machine[] someMachines(Random random, boolean any) {
            return random.ints(random.nextInt(6), 0, 6)
                    .boxed()
                    .distinct()
                    .filter(id -> any || id > 0)
                    .map(id -> machine(id == 0 ? "new" : "m" + id, daysAgo(random.nextInt(25, 35))))
                    .toArray(Machine[]::new);
        }

        /** To compare each with each would take minutes. */
        @Test
        @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
        void are_counted_in_one_pass() {
            int count = 200_000;
            Machine[] active = IntStream.range(0, count)
                    .mapToObj(i -> machine("active-" + i, daysAgo(1)))
                    .toArray(Machine[]::new);
            List<Machine> gone = IntStream.range(0, count)
                    .mapToObj(i -> machine("gone-" + i, daysAgo(2)))
                    .toList();
            License license = with(count + 1, active).withNewMachines(gone);

            License saved = saved(activateAt(license, new Policy(0, 2 * count + 1)), license);

            assertThat(saved.newMachines()).hasSize(2 * count + 1);
        }

        @Test
        void keep_no_label() {
            License license = saved(Rules.activate(with(9), "one", "Ada's laptop", TWO, NOW), with(9));

            assertThat(license.newMachines()).containsExactly(machine("one", NOW));
        }

        private static License limit(License license, int machines) {
            return license.withTerms(new Terms(license.maxMachines(), null, null, null, null, null, machines));
        }

        private static License after(License license, String machineId, Instant activation) {
            return saved(Rules.activate(license, machineId, null, new Policy(0, 100), activation), license);
        }
    }

    @Nested
    class SetDisabled {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.setDisabled(null, true, null, NOW), Verdict.NOT_FOUND, null);
            assertRefused(Rules.setDisabled(null, false, null, NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void switches_off_and_tells_why() {
            License license = license(3, "one");

            Decision<Answer> decision = Rules.setDisabled(license, true, "refund", NOW);

            assertSaved(decision, license.disabled(true, "refund"));
            assertThat(events(decision))
                    .containsExactly(new Event(NOW, What.DISABLED, Actor.ADMIN, null, null, "refund"));
        }

        @Test
        void switches_on_again_and_forgets_why_it_was_off() {
            License license = license(3, "one").disabled(true, "refund");

            Decision<Answer> decision = Rules.setDisabled(license, false, "paid", NOW);

            assertSaved(decision, license(3, "one"));
            assertThat(events(decision)).containsExactly(new Event(NOW, What.ENABLED, Actor.ADMIN, null, null, "paid"));
        }

        @Test
        void changes_nothing_where_it_is_so_already() {
            License off = license(3).disabled(true, "refund");

            assertKept(Rules.setDisabled(off, true, null, NOW), off);
            assertKept(Rules.setDisabled(off, true, "refund", NOW), off);
            assertKept(Rules.setDisabled(license(3), false, null, NOW), license(3));
            assertKept(Rules.setDisabled(license(3), false, "paid", NOW), license(3));
        }

        @Test
        void notes_another_reason() {
            License off = license(3).disabled(true, "refund");

            assertSaved(
                    Rules.setDisabled(off, true, "chargeback", NOW), license(3).disabled(true, "chargeback"));
        }
    }

    @Nested
    class Update {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.update(null, terms -> terms, null, NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void changes_nothing_where_all_is_as_it_should_be() {
            License license = license(3, "one");

            assertKept(Rules.update(license, terms -> terms, null, NOW), license);
            assertKept(Rules.update(license, terms -> Terms.of(3), new Email("a@b"), NOW), license);
        }

        @Test
        void tells_each_term_that_changes_from_what_to_what() {
            Instant end = NOW.plusSeconds(1);
            License license = license(3).withTerms(new Terms(3, null, "basic", null, "n", 1, null));
            var terms = new Terms(5, end, "pro", "{\"a\":1}", null, 0, 2);

            Decision<Answer> decision = Rules.update(license, before -> terms, null, NOW);

            assertSaved(decision, license.withTerms(terms));
            assertThat(events(decision))
                    .containsExactly(
                            updated("maxMachines", "3", "5"),
                            updated("expiresAt", null, "" + end.toEpochMilli()),
                            updated("product", "basic", "pro"),
                            updated("metadata", null, "{\"a\":1}"),
                            updated("notes", "n", null),
                            updated("idleDays", "1", "0"),
                            updated("newMachinesPer30Days", null, "2"));
        }

        @Test
        void gives_it_to_another_email() {
            License license = license(3, "one");

            Decision<Answer> decision = Rules.update(license, terms -> terms, new Email("c@d"), NOW);

            assertSaved(decision, license.withEmail(new Email("c@d")));
            assertThat(events(decision))
                    .containsExactly(new Event(NOW, What.EMAIL_CHANGED, Actor.ADMIN, null, "a@b", "c@d"));
        }

        @Test
        void takes_an_email_in_other_letters_for_the_same() {
            License license = new License(
                    new LicenseKey("KEY"), " A@B ", NOW, Terms.of(3), false, null, List.of(), List.of(), "");

            assertKept(Rules.update(license, terms -> terms, new Email("a@b"), NOW), license);
        }

        @Test
        void keeps_active_machines_beyond_a_lowered_limit_and_lets_no_new_one_in() {
            License license = license(3, "one", "two", "three");

            License lowered = saved(Rules.update(license, terms -> Terms.of(1), null, NOW), license);

            assertThat(lowered.machines()).isEqualTo(license.machines());
            assertThat(lowered.remainingSlots()).isZero();
            assertKept(activate(lowered, "three", NOW), lowered);
            assertActivationRefused(lowered, Verdict.LIMIT_EXCEEDED);
            License two = saved(Rules.deactivate(lowered, "one", NOW), lowered);
            assertActivationRefused(two, Verdict.LIMIT_EXCEEDED);
            License none = saved(Rules.resetMachines(two, null, NOW), two);
            assertThat(activate(none, "new", NOW).reply().verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void revives_what_has_expired() {
            License license = expiring(license(3, "one"));

            License revived = saved(Rules.update(license, terms -> Terms.of(3), null, NOW), license);

            assertThat(Rules.validate(revived, "one", NOW).verdict()).isEqualTo(Verdict.OK);
        }

        private static Event updated(String term, @Nullable String from, @Nullable String to) {
            return new Event(NOW, What.UPDATED, Actor.ADMIN, term, from, to);
        }
    }

    @Nested
    class ResetMachines {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.resetMachines(null, null, NOW), Verdict.NOT_FOUND, null);
            assertRefused(Rules.resetMachines(null, "one", NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void takes_all_slots_back() {
            Decision<Answer> decision = Rules.resetMachines(license(3, "one", "two"), null, NOW);

            assertSaved(decision, license(3));
            assertThat(events(decision))
                    .containsExactly(new Event(NOW, What.DEACTIVATED, Actor.ADMIN, null, "2 machines", "0 machines"));
        }

        @Test
        void takes_the_slot_of_one_machine_back() {
            Decision<Answer> decision = Rules.resetMachines(license(3, "one", "two"), "one", NOW);

            assertSaved(decision, license(3, "two"));
            assertThat(events(decision))
                    .containsExactly(new Event(NOW, What.DEACTIVATED, Actor.ADMIN, "one", null, null));
        }

        @Test
        void changes_nothing_where_there_is_nothing_to_take_back() {
            assertKept(Rules.resetMachines(license(3), null, NOW), license(3));
            assertKept(Rules.resetMachines(license(3, "one"), "two", NOW), license(3, "one"));
        }

        @Test
        void does_so_also_where_the_license_is_disabled_or_expired() {
            License license = disabled(expiring(license(3, "one")));

            assertSaved(Rules.resetMachines(license, null, NOW), disabled(expiring(license(3))));
        }
    }

    @Nested
    class RotateKey {
        private static final LicenseKey NEW_KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");

        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.rotateKey(null, NEW_KEY, true, NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void keeps_all_but_the_key() {
            License license = disabled(license(3, "one"));

            assertSaved(Rules.rotateKey(license, NEW_KEY, true, NOW), license.withKey(NEW_KEY));
        }

        @Test
        void drops_the_machines_where_that_is_chosen() {
            assertSaved(
                    Rules.rotateKey(license(3, "one"), NEW_KEY, false, NOW),
                    license(3).withKey(NEW_KEY));
        }

        @Test
        void tells_no_key_but_its_end() {
            License license = license(3).withKey(new LicenseKey("AAAA-BBBB-CCCC-DDDD"));

            assertThat(events(Rules.rotateKey(license, NEW_KEY, true, NOW)))
                    .containsExactly(new Event(NOW, What.KEY_ROTATED, Actor.ADMIN, null, "…DDDD", "…B2CD"));
        }
    }

    @Nested
    class Delete {
        @Test
        void refuses_where_there_is_no_license() {
            assertRefused(Rules.delete(null, NOW), Verdict.NOT_FOUND, null);
        }

        @Test
        void removes_the_license() {
            License license = disabled(license(3, "one"));

            assertThat(Rules.delete(license, NOW))
                    .isEqualTo(new Remove<>(
                            List.of(new Event(NOW, What.DELETED, Actor.ADMIN, null, null, null)),
                            new Answer(Verdict.OK, license)));
        }
    }

    @Nested
    class Seen {
        @Test
        void is_the_time_of_each_machine() {
            License license = license(3, "one", "two");
            Instant later = NOW.plusSeconds(1);

            assertThat(Rules.seen(license, Map.of("two", later, "other", later)::get))
                    .isEqualTo(with(3, machine("one", NOW), new Machine("two", NOW, null, later, "")));
        }

        @Test
        void is_what_the_license_says_if_that_is_later() {
            License license = with(3, new Machine("one", daysAgo(3), null, NOW, ""), machine("two", NOW));
            Map<String, Instant> earlier = Map.of("one", NOW.minusMillis(1), "two", NOW);

            assertThat(Rules.seen(license, earlier::get)).isEqualTo(license);
        }

        @Test
        void is_news_an_hour_after_the_last_sign() {
            Machine machine = new Machine("one", daysAgo(3), null, NOW, "");

            assertThat(Rules.isNews(machine, NOW.plusSeconds(3599))).isFalse();
            assertThat(Rules.isNews(machine, NOW.minusSeconds(9999))).isFalse();
            assertThat(Rules.isNews(machine, NOW.plusSeconds(3600))).isTrue();
        }
    }

    @Nested
    class Registered {
        @Test
        void begins_the_history() {
            assertThat(Rules.registered(license(3)))
                    .isEqualTo(new Event(NOW, What.REGISTERED, Actor.ADMIN, null, null, "a@b"));
        }
    }

    /** What holds for every license, shown on some thousand. */
    @Nested
    class Always {
        @Test
        void activation_adds_one_machine_at_most_and_never_goes_beyond_the_limit() {
            forEveryLicense((license, machineId) -> {
                License after = saved(activate(license, machineId, NOW), license);

                int before = license.machines().size();
                assertThat(after.machines()).hasSizeBetween(before, before + 1);
                assertThat(after.machines().size()).isLessThanOrEqualTo(Math.max(before, license.maxMachines()));
                assertThat(after.withMachines(license.machines()).withNewMachines(license.newMachines()))
                        .isEqualTo(license);
            });
        }

        @Test
        void activation_says_yes_exactly_where_the_machine_is_active_afterwards() {
            forEveryLicense((license, machineId) -> {
                Decision<Answer> decision = activate(license, machineId, NOW);
                License after = saved(decision, license);

                boolean yes = decision.reply().verdict() == Verdict.OK;
                assertThat(yes).isEqualTo(Rules.validate(after, machineId, NOW).verdict() == Verdict.OK);
                assertThat(decision.reply().license()).isEqualTo(after);
            });
        }

        @Test
        void activation_changes_nothing_the_second_time() {
            forEveryLicense((license, machineId) -> {
                Decision<Answer> first = activate(license, machineId, NOW);
                License after = saved(first, license);

                Decision<Answer> second = activate(after, machineId, NOW);
                assertThat(second).isInstanceOf(Keep.class);
                assertThat(second.reply()).isEqualTo(first.reply());
            });
        }

        @Test
        void deactivation_removes_that_machine_only() {
            forEveryLicense((license, machineId) -> {
                Decision<Answer> decision = Rules.deactivate(license, machineId, NOW);
                License after = saved(decision, license);

                assertThat(decision.reply()).isEqualTo(new Answer(Verdict.OK, after));
                assertThat(after.isActiveOn(machineId)).isFalse();
                var others = new ArrayList<>(license.machines());
                others.removeIf(machine -> machine.machineId().equals(machineId));
                assertThat(after).isEqualTo(license.withMachines(others));
            });
        }

        @Test
        void deactivation_changes_nothing_the_second_time() {
            forEveryLicense((license, machineId) -> {
                License after = saved(Rules.deactivate(license, machineId, NOW), license);

                assertKept(Rules.deactivate(after, machineId, NOW), after);
            });
        }

        @Test
        void deactivation_takes_an_activation_back() {
            forEveryLicense((license, machineId) -> {
                if (activate(license, machineId, NOW) instanceof Save<Answer> activated
                        && activated.events().size() == 1) {
                    License back = saved(Rules.deactivate(activated.license(), machineId, NOW), license);

                    assertThat(back.withNewMachines(List.of())).isEqualTo(license.withNewMachines(List.of()));
                }
            });
        }

        @Test
        void a_license_is_saved_only_where_it_changed_and_never_without_an_event() {
            forEveryChange((license, decision) -> {
                if (decision instanceof Save<Answer> save) {
                    assertThat(save.license()).isNotEqualTo(license);
                    assertThat(save.events()).isNotEmpty();
                }
            });
        }

        @Test
        void the_answer_holds_the_license_as_it_is_then() {
            forEveryChange((license, decision) ->
                    assertThat(decision.reply().license()).isEqualTo(saved(decision, license)));
        }

        @Test
        void nothing_but_an_update_or_a_rotation_touches_what_was_sold_and_to_whom() {
            forEveryChange((license, decision) -> {
                License after = saved(decision, license);
                boolean isUpdate = decision instanceof Save<Answer> save
                        && save.events().stream()
                                .anyMatch(event -> event.what() == What.UPDATED || event.what() == What.EMAIL_CHANGED);

                assertThat(after.createdAt()).isEqualTo(license.createdAt());
                assertThat(after.unknownFields()).isEqualTo(license.unknownFields());
                assertThat(isUpdate || after.terms().equals(license.terms())).isTrue();
                assertThat(isUpdate || after.email().equals(license.email())).isTrue();
            });
        }

        @Test
        void machines_are_never_more_than_allowed_or_than_before() {
            forEveryChange((license, decision) -> {
                License after = saved(decision, license);

                assertThat(after.machines().size())
                        .isLessThanOrEqualTo(Math.max(license.machines().size(), license.maxMachines()));
                assertThat(after.remainingSlots()).isNotNegative();
            });
        }

        @Test
        void doing_the_same_again_changes_nothing_but_the_key() {
            forEveryChange((license, decision) -> {
                if (decision instanceof Save<Answer> save
                        && save.license().key().equals(license.key())) {
                    String reason = save.license().disabledReason();
                    assertThat(Rules.setDisabled(save.license(), save.license().disabled(), reason, NOW))
                            .isInstanceOf(Keep.class);
                    assertThat(Rules.update(
                                    save.license(), terms -> save.license().terms(), null, NOW))
                            .isInstanceOf(Keep.class);
                }
            });
        }

        @Test
        void policies_never_let_more_new_machines_in_than_they_say() {
            var random = new Random(3);
            for (int run = 0; run < 100; run++) {
                int limit = 1 + random.nextInt(4);
                var policy = new Policy(random.nextInt(20), limit);
                License license = license(1 + random.nextInt(4));
                var firstSeen = new HashMap<String, Instant>();
                Instant now = NOW;
                for (int call = 0; call < 60; call++) {
                    now = now.plus(Duration.ofHours(random.nextInt(72)));
                    String machineId = "machine-" + random.nextInt(12);
                    if (random.nextInt(3) == 0) {
                        license = saved(Rules.deactivate(license, machineId, now), license);
                    } else {
                        Decision<Answer> decision = Rules.activate(license, machineId, null, policy, now);
                        if (decision instanceof Save) {
                            Instant since = now.minus(Rules.NEW_MACHINES_PERIOD);
                            firstSeen.values().removeIf(first -> !first.isAfter(since));
                            firstSeen.putIfAbsent(machineId, now);
                        }
                        license = saved(decision, license);
                    }
                    assertThat(firstSeen).hasSizeLessThanOrEqualTo(limit);
                    assertThat(license.machines()).hasSizeLessThanOrEqualTo(license.maxMachines());
                }
            }
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
                            ? saved(Rules.deactivate(license, machineId, NOW), license)
                            : saved(activate(license, machineId, NOW), license);
                    assertThat(license.machines()).hasSizeLessThanOrEqualTo(maxMachines);
                    assertThat(license.machines().stream().map(Machine::machineId))
                            .doesNotHaveDuplicates();
                }
            }
        }

        /** Every change of every license. */
        private void forEveryChange(BiConsumer<License, Decision<Answer>> property) {
            var policy = new Policy(30, 2);
            var terms = new Terms(1, null, "p", null, null, null, 3);
            forEveryLicense((license, machineId) -> {
                property.accept(license, Rules.activate(license, machineId, "label", policy, NOW));
                property.accept(license, Rules.deactivate(license, machineId, NOW));
                property.accept(license, Rules.resetMachines(license, machineId, NOW));
                property.accept(license, Rules.resetMachines(license, null, NOW));
                property.accept(license, Rules.setDisabled(license, true, "why", NOW));
                property.accept(license, Rules.setDisabled(license, false, null, NOW));
                property.accept(license, Rules.update(license, before -> before, null, NOW));
                property.accept(license, Rules.update(license, before -> before, new Email("x@y"), NOW));
                property.accept(license, Rules.rotateKey(license, new LicenseKey("NEW"), true, NOW));
                License lowered = saved(Rules.update(license, before -> terms, null, NOW), license);
                property.accept(lowered, activate(lowered, machineId, NOW));
            });
        }

        private void forEveryLicense(BiConsumer<License, String> property) {
            var licenses = new RandomLicenses(1);
            for (int i = 0; i < 3000; i++) {
                License license = licenses.get();
                property.accept(license, licenses.machineIdNear(license));
            }
        }
    }

    private static Decision<Answer> activate(@Nullable License license, String machineId, Instant now) {
        return Rules.activate(license, machineId, null, Policy.NONE, now);
    }

    private static void assertActivationRefused(License license, Verdict verdict) {
        assertRefused(activate(license, "new", NOW), verdict, license);
    }

    private static void assertRefused(Decision<Answer> decision, Verdict verdict, @Nullable License license) {
        assertThat(decision).isEqualTo(new Keep<>(new Answer(verdict, license)));
    }

    private static void assertKept(Decision<Answer> decision, License license) {
        assertThat(decision).isEqualTo(new Keep<>(new Answer(Verdict.OK, license)));
    }

    private static void assertSaved(Decision<Answer> decision, License license) {
        assertThat(decision).isInstanceOf(Save.class);
        assertThat(saved(decision, license)).isEqualTo(license);
        assertThat(decision.reply()).isEqualTo(new Answer(Verdict.OK, license));
    }

    private static License license(int maxMachines, String... machineIds) {
        License license = License.issue(new LicenseKey("KEY"), new Email("a@b"), NOW, Terms.of(maxMachines));
        for (String machineId : machineIds) {
            license = license.withMachine(machine(machineId, NOW));
        }
        return license;
    }

    private static License with(int maxMachines, Machine... machines) {
        return license(maxMachines).withMachines(List.of(machines));
    }

    private static License expiring(License license) {
        return license.withTerms(new Terms(license.maxMachines(), NOW, null, null, null, null, null));
    }

    private static Instant daysAgo(int days) {
        return NOW.minus(Duration.ofDays(days));
    }

    private static Decision<Answer> activateAt(License license, Policy policy) {
        return Rules.activate(license, "new", null, policy, NOW);
    }

    private static List<Event> events(Decision<Answer> decision) {
        return decision instanceof Save<Answer> save ? save.events() : List.of();
    }

    private static Machine machine(String machineId, Instant activatedAt) {
        return new Machine(machineId, activatedAt, null, null, "");
    }

    private static License disabled(License license) {
        return license.disabled(true, null);
    }

    private static <R> License saved(Decision<R> decision, License otherwise) {
        return decision instanceof Save<R> save ? save.license() : otherwise;
    }
}
