package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.json.JsonObject;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import licenseserver.Wait;
import licenseserver.license.Answer;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Save;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Policy;
import licenseserver.license.RandomLicenses;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.license.Verdict;
import licenseserver.redis.StoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What every {@link LicenseStore} does, run on each of them. A store may be shared by tests: all their data is random. */
abstract class LicenseStoreContract {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final int AT_ONCE = 20;

    /** How the stores under test keep histories. */
    static final HistorySettings HISTORY = new HistorySettings(200, "a secret of this test", null);

    private final SecureRandom random = new SecureRandom();
    private final Email email = randomEmail();

    /** The store under test, the same one for all calls within a test. */
    abstract LicenseStore store();

    /** Stores a text as others would: under {@code license:KEY} or {@code email:ADDRESS}. */
    abstract void put(String name, String text);

    /** The text stored under a name; null if there is none. */
    abstract @Nullable String stored(String name);

    @Nested
    class Register {
        @Test
        void creates_the_license_that_was_issued() {
            License license = newLicense(email);

            Registration registration = await(store().register(email, () -> license));

            assertThat(registration).isEqualTo(new Registration(true, license.key()));
            assertThat(await(store().find(license.key()))).contains(license);
        }

        @Test
        void keeps_all_that_a_license_holds() {
            var licenses = new RandomLicenses(1);
            for (int i = 0; i < 50; i++) {
                License any = licenses.get();
                Email buyer = randomEmail();
                License license = like(any, randomKey(), buyer);

                await(store().register(buyer, () -> license));

                assertThat(await(store().find(license.key()))).contains(license);
            }
        }

        @Test
        void tells_the_key_of_an_email_that_has_a_license() {
            License first = newLicense(email);
            await(store().register(email, () -> first));

            Registration second = await(store().register(email, () -> newLicense(email)));

            assertThat(second).isEqualTo(new Registration(false, first.key()));
            assertThat(await(store().findByEmail(email))).contains(first);
        }

        @Test
        void tells_the_key_of_a_license_that_changed_meanwhile() {
            License license = registered(3);
            await(activate(license.key(), "one"));

            Registration again = await(store().register(email, () -> newLicense(email)));

            assertThat(again).isEqualTo(new Registration(false, license.key()));
            assertThat(await(store().find(license.key())).orElseThrow().isActiveOn("one"))
                    .isTrue();
        }

        @Test
        void leaves_no_trace_of_a_license_that_was_not_created() {
            registered(3);
            License second = newLicense(email);

            await(store().register(email, () -> second));

            assertThat(await(store().find(second.key()))).isEmpty();
        }

        @Test
        void creates_one_license_of_many_at_once_for_one_email() {
            List<Registration> registrations = atOnce(number -> store().register(email, () -> newLicense(email)));

            assertThat(registrations).filteredOn(Registration::created).hasSize(1);
            assertThat(registrations)
                    .extracting(Registration::key)
                    .containsOnly(registrations.get(0).key());
            assertThat(await(store().find(registrations.get(0).key()))
                            .orElseThrow()
                            .belongsTo(email))
                    .isTrue();
        }

        @Test
        void creates_each_license_of_many_at_once_for_different_emails() {
            List<Registration> registrations = atOnce(number -> {
                Email buyer = randomEmail();
                return store().register(buyer, () -> newLicense(buyer));
            });

            assertThat(registrations).allMatch(Registration::created);
            assertThat(registrations).extracting(Registration::key).doesNotHaveDuplicates();
        }

        @Test
        void issues_again_where_the_key_is_taken() {
            License taken = registered(3);
            Email other = randomEmail();
            License fresh = newLicense(other);
            Iterator<License> issued = List.of(
                            newLicense(other).withKey(taken.key()),
                            newLicense(other).withKey(taken.key()),
                            fresh)
                    .iterator();

            Registration registration = await(store().register(other, issued::next));

            assertThat(registration).isEqualTo(new Registration(true, fresh.key()));
            assertThat(await(store().find(taken.key()))).contains(taken);
            assertThat(await(store().findByEmail(email))).contains(taken);
            assertThat(await(store().findByEmail(other))).contains(fresh);
        }

        @Test
        void gives_up_where_every_key_is_taken_and_can_be_repeated() {
            License taken = registered(3);
            Email other = randomEmail();

            assertThatThrownBy(() -> await(
                            store().register(other, () -> newLicense(other).withKey(taken.key()))))
                    .isInstanceOf(StoreUnavailableException.class);

            assertThat(await(store().findByEmail(other))).isEmpty();
            assertThat(await(store().register(other, () -> newLicense(other))).created())
                    .isTrue();
            assertThat(await(store().find(taken.key()))).contains(taken);
        }
    }

    @Nested
    class Find {
        @Test
        void finds_nothing_under_an_unknown_key() {
            assertThat(await(store().find(randomKey()))).isEmpty();
        }

        @Test
        void finds_the_license_of_the_key() {
            License license = registered(3);

            assertThat(await(store().find(license.key()))).contains(license);
        }
    }

    @Nested
    class FindByEmail {
        @Test
        void finds_nothing_for_an_unknown_email() {
            assertThat(await(store().findByEmail(email))).isEmpty();
        }

        @Test
        void finds_the_license_of_the_email() {
            License license = registered(3);

            assertThat(await(store().findByEmail(email))).contains(license);
        }

        @Test
        void finds_the_license_as_it_was_changed() {
            License license = registered(3);
            await(activate(license.key(), "one"));

            assertThat(await(store().findByEmail(email)).orElseThrow().isActiveOn("one"))
                    .isTrue();
        }
    }

    @Nested
    class Update {
        @Test
        void gives_the_rule_null_for_an_unknown_key() {
            LicenseKey unknown = randomKey();

            String reply = await(store().update(unknown, license -> new Keep<>(license == null ? "unknown" : "known")));

            assertThat(reply).isEqualTo("unknown");
            assertThat(await(store().find(unknown))).isEmpty();
        }

        @Test
        void gives_the_rule_the_stored_license_and_the_caller_its_reply() {
            License license = registered(3);

            License given = await(store().update(license.key(), Keep::new));

            assertThat(given).isEqualTo(license);
        }

        @Test
        void changes_nothing_where_the_rule_keeps() {
            License license = registered(3);

            await(store().update(license.key(), given -> new Keep<>("kept")));

            assertThat(await(store().find(license.key()))).contains(license);
        }

        @Test
        void has_stored_the_license_when_it_replies() {
            License license = registered(3);

            Answer answer = await(activate(license.key(), "one"));

            assertThat(answer.verdict()).isEqualTo(Verdict.OK);
            assertThat(await(store().find(license.key()))).contains(answer.license());
            assertThat(licenseOf(answer).machines()).containsExactly(machine("one", ""));
        }

        @Test
        void leaves_other_licenses_alone() {
            License license = registered(3);
            Email buyer = randomEmail();
            License other = newLicense(buyer);
            await(store().register(buyer, () -> other));

            await(activate(license.key(), "one"));

            assertThat(await(store().find(other.key()))).contains(other);
        }

        @Test
        void activates_no_more_machines_than_allowed_of_many_at_once() {
            License license = registered(3);

            List<Answer> answers = atOnce(number -> activate(license.key(), "machine-" + number));

            assertThat(answers)
                    .filteredOn(answer -> answer.verdict() == Verdict.OK)
                    .extracting(answer -> licenseOf(answer).remainingSlots())
                    .containsExactlyInAnyOrder(2, 1, 0);
            assertThat(answers)
                    .filteredOn(answer -> answer.verdict() != Verdict.OK)
                    .hasSize(AT_ONCE - 3)
                    .extracting(Answer::verdict)
                    .containsOnly(Verdict.LIMIT_EXCEEDED);
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .hasSize(3);
        }

        @Test
        void activates_one_machine_once_of_many_at_once() {
            License license = registered(3);

            List<Answer> answers = atOnce(number -> activate(license.key(), "one"));

            assertThat(answers).extracting(Answer::verdict).containsOnly(Verdict.OK);
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .hasSize(1);
        }

        @Test
        void loses_none_of_many_changes_at_once() {
            License license = registered(AT_ONCE);

            List<Answer> answers = atOnce(number -> activate(license.key(), "machine-" + number));

            assertThat(answers)
                    .extracting(answer -> licenseOf(answer).remainingSlots())
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, AT_ONCE).boxed().toList());
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .extracting(Machine::machineId)
                    .containsExactlyInAnyOrderElementsOf(IntStream.range(0, AT_ONCE)
                            .mapToObj(number -> "machine-" + number)
                            .toList());
        }

        @Test
        void gives_and_takes_slots_at_once_without_exceeding_the_limit() {
            License license = registered(2);

            List<Answer> answers = atOnce(number -> number % 2 == 0
                    ? activate(license.key(), "machine-" + number % 6)
                    : store().update(
                                    license.key(),
                                    given -> Rules.deactivate(given, "machine-" + (number - 1) % 6, NOW)));

            assertThat(answers).extracting(Answer::verdict).isSubsetOf(Verdict.OK, Verdict.LIMIT_EXCEEDED);
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .hasSizeLessThanOrEqualTo(2);
        }

        @Test
        void keeps_fields_that_it_does_not_know() {
            License known = newLicense(email);
            License license = new License(
                    known.key(),
                    known.email(),
                    known.createdAt(),
                    Terms.of(3),
                    false,
                    null,
                    List.of(machine("one", "\"os\" : \"linux\"")),
                    List.of(),
                    "\"price\":1.0,\"note\":\"\\u0041\"");
            await(store().register(email, () -> license));

            await(activate(license.key(), "two"));

            License stored = await(store().find(license.key())).orElseThrow();
            assertThat(stored.unknownFields()).isEqualTo(license.unknownFields());
            assertThat(stored.machines()).containsExactly(machine("one", "\"os\" : \"linux\""), machine("two", ""));
        }

        @Test
        void fails_and_changes_nothing_where_the_rule_fails() {
            License license = registered(3);

            assertThatThrownBy(() -> await(store().<String>update(license.key(), given -> {
                        throw new IllegalStateException("a defect");
                    })))
                    .isInstanceOf(RuntimeException.class);

            assertThat(await(store().find(license.key()))).contains(license);
            assertThat(await(activate(license.key(), "one")).verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void stores_what_the_rule_saves_though_it_changes_everything_but_the_key() {
            License license = registered(3);
            License changed = new License(
                    license.key(),
                    license.email(),
                    NOW.plusSeconds(1),
                    new Terms(7, NOW, "product", "{\"a\" : 1}", "notes", 8, 9),
                    true,
                    "refund",
                    List.of(new Machine("two", NOW, "label", NOW, "")),
                    List.of(machine("one", ""), machine("two", "")),
                    "\"reason\":\"refund\"");

            await(store().update(license.key(), given -> new Save<>(changed, List.of(), "saved")));

            assertThat(await(store().find(license.key()))).contains(changed);
        }
    }

    /** A license that gets another key. */
    @Nested
    class MovedKey {
        private final LicenseKey newKey = randomKey();

        @Test
        void leads_to_the_license_and_the_old_one_to_none() {
            License license = registered(3);

            Answer answer = await(rotate(license.key(), newKey));

            assertThat(answer).isEqualTo(new Answer(Verdict.OK, license.withKey(newKey)));
            assertThat(await(store().find(newKey))).contains(license.withKey(newKey));
            assertThat(await(store().find(license.key()))).isEmpty();
            assertThat(await(store().findByEmail(email))).contains(license.withKey(newKey));
        }

        @Test
        void is_the_one_that_register_tells() {
            License license = registered(3);
            await(rotate(license.key(), newKey));

            assertThat(await(store().register(email, () -> newLicense(email))))
                    .isEqualTo(new Registration(false, newKey));
        }

        @Test
        void takes_changes_and_the_old_one_takes_none() {
            License license = registered(3);
            await(rotate(license.key(), newKey));

            assertThat(await(activate(license.key(), "one")).verdict()).isEqualTo(Verdict.NOT_FOUND);
            assertThat(await(activate(newKey, "one")).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(store().find(license.key()))).isEmpty();
        }

        @Test
        void keeps_all_that_a_license_holds() {
            var licenses = new RandomLicenses(2);
            for (int i = 0; i < 20; i++) {
                Email buyer = randomEmail();
                License license = like(licenses.get(), randomKey(), buyer);
                await(store().register(buyer, () -> license));
                LicenseKey other = randomKey();

                await(rotate(license.key(), other));

                assertThat(await(store().find(other))).contains(license.withKey(other));
            }
        }

        @Test
        void can_move_on() {
            License license = registered(3);
            LicenseKey last = randomKey();
            await(rotate(license.key(), newKey));

            await(rotate(newKey, last));

            assertThat(await(store().find(newKey))).isEmpty();
            assertThat(await(store().findByEmail(email))).contains(license.withKey(last));
        }

        @Test
        void that_is_taken_is_refused_and_changes_nothing() {
            License license = registered(3);
            Email buyer = randomEmail();
            License other = newLicense(buyer);
            await(store().register(buyer, () -> other));

            assertThatThrownBy(() -> await(rotate(license.key(), other.key())))
                    .isInstanceOf(StoreUnavailableException.class);

            assertThat(await(store().find(license.key()))).contains(license);
            assertThat(await(store().find(other.key()))).contains(other);
            assertThat(await(store().findByEmail(email))).contains(license);
            assertThat(await(rotate(license.key(), newKey)).verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void is_one_of_many_at_once() {
            License license = registered(3);

            List<Answer> answers = atOnce(number -> rotate(license.key(), randomKey()));

            assertThat(answers)
                    .filteredOn(answer -> answer.verdict() == Verdict.OK)
                    .singleElement()
                    .satisfies(answer ->
                            assertThat(await(store().findByEmail(email))).contains(licenseOf(answer)));
            assertThat(answers)
                    .filteredOn(answer -> answer.verdict() != Verdict.OK)
                    .extracting(Answer::verdict)
                    .containsOnly(Verdict.NOT_FOUND);
        }
    }

    /** A license that gets another e-mail. */
    @Nested
    class MovedEmail {
        private final Email newEmail = randomEmail();

        @Test
        void leads_to_the_license_and_the_old_one_to_none() {
            License license = registered(3);

            Answer answer = await(move(license.key(), newEmail));

            assertThat(answer.verdict()).isEqualTo(Verdict.OK);
            assertThat(licenseOf(answer).belongsTo(newEmail)).isTrue();
            assertThat(await(store().find(license.key()))).contains(licenseOf(answer));
            assertThat(await(store().findByEmail(newEmail))).contains(licenseOf(answer));
            assertThat(await(store().findByEmail(email))).isEmpty();
        }

        @Test
        void is_registered_and_the_old_one_is_free() {
            License license = registered(3);
            await(move(license.key(), newEmail));

            assertThat(await(store().register(newEmail, () -> newLicense(newEmail))))
                    .isEqualTo(new Registration(false, license.key()));
            License fresh = newLicense(email);
            assertThat(await(store().register(email, () -> fresh))).isEqualTo(new Registration(true, fresh.key()));
            assertThat(await(store().findByEmail(newEmail)).orElseThrow().key()).isEqualTo(license.key());
        }

        @Test
        void can_move_back() {
            License license = registered(3);
            await(move(license.key(), newEmail));

            await(move(license.key(), email));

            assertThat(await(store().findByEmail(email)).orElseThrow().key()).isEqualTo(license.key());
            assertThat(await(store().findByEmail(newEmail))).isEmpty();
        }

        @Test
        void that_has_a_license_is_refused_and_changes_nothing() {
            License license = registered(3);
            License other = newLicense(newEmail);
            await(store().register(newEmail, () -> other));
            History history = await(store().history(license.key()));

            assertThatThrownBy(() -> await(move(license.key(), newEmail))).isInstanceOf(EmailTakenException.class);

            assertThat(await(store().find(license.key()))).contains(license);
            assertThat(await(store().findByEmail(email))).contains(license);
            assertThat(await(store().findByEmail(newEmail))).contains(other);
            assertThat(await(store().history(license.key()))).isEqualTo(history);
        }

        @Test
        void that_had_a_license_once_is_free() {
            License license = registered(3);
            License other = newLicense(newEmail);
            await(store().register(newEmail, () -> other));
            await(remove(other.key()));

            assertThat(await(move(license.key(), newEmail)).verdict()).isEqualTo(Verdict.OK);

            assertThat(await(store().findByEmail(newEmail)).orElseThrow().key()).isEqualTo(license.key());
        }

        @Test
        void goes_to_one_of_many_licenses_at_once() {
            List<License> licenses = IntStream.range(0, AT_ONCE)
                    .mapToObj(number -> {
                        Email buyer = randomEmail();
                        License license = newLicense(buyer);
                        await(store().register(buyer, () -> license));
                        return license;
                    })
                    .toList();

            List<Boolean> moved =
                    atOnce(number -> move(licenses.get(number).key(), newEmail).transform(done -> {
                        assertThat(done.failed() && !(done.cause() instanceof EmailTakenException))
                                .isFalse();
                        return Future.succeededFuture(done.succeeded());
                    }));

            assertThat(moved).containsOnlyOnce(true);
            License owner = licenses.get(moved.indexOf(true));
            assertThat(await(store().findByEmail(newEmail)).orElseThrow().key()).isEqualTo(owner.key());
            for (License license : licenses) {
                License now = await(store().find(license.key())).orElseThrow();
                assertThat(now.belongsTo(newEmail)).isEqualTo(license.key().equals(owner.key()));
            }
        }
    }

    @Nested
    class Removed {
        @Test
        void is_unknown_and_its_email_is_free() {
            License license = registered(3);

            Answer answer = await(remove(license.key()));

            assertThat(answer).isEqualTo(new Answer(Verdict.OK, license));
            assertThat(await(store().find(license.key()))).isEmpty();
            assertThat(await(store().findByEmail(email))).isEmpty();
            assertThat(await(store().history(license.key())))
                    .isEqualTo(new History(true, OptionalInt.of(0), List.of()));
            License fresh = newLicense(email);
            assertThat(await(store().register(email, () -> fresh))).isEqualTo(new Registration(true, fresh.key()));
        }

        @Test
        void is_unknown_to_the_next_change() {
            License license = registered(3);
            await(remove(license.key()));

            assertThat(await(remove(license.key())).verdict()).isEqualTo(Verdict.NOT_FOUND);
            assertThat(await(activate(license.key(), "one")).verdict()).isEqualTo(Verdict.NOT_FOUND);
        }

        @Test
        void leaves_other_licenses_alone() {
            License license = registered(3);
            Email buyer = randomEmail();
            License other = newLicense(buyer);
            await(store().register(buyer, () -> other));

            await(remove(license.key()));

            assertThat(await(store().findByEmail(buyer))).contains(other);
        }

        @Test
        void is_so_once_of_many_at_once() {
            License license = registered(3);

            List<Answer> answers = atOnce(number -> remove(license.key()));

            assertThat(answers)
                    .filteredOn(answer -> answer.verdict() == Verdict.OK)
                    .hasSize(1);
            assertThat(await(store().find(license.key()))).isEmpty();
        }
    }

    @Nested
    class Signs {
        private static final Instant LATER = NOW.plusSeconds(7200);
        private static final Instant LATEST = NOW.plusSeconds(9000);

        private final License license = registered(3);
        private final LicenseKey key = license.key();

        @BeforeEach
        void activateTwo() {
            await(activate(key, "one"));
            await(activate(key, "two"));
        }

        private void see(LicenseKey where, String machineId, Instant when) {
            await(store().addSigns(List.of(Sign.of(where, machineId, when))));
        }

        private @Nullable Instant seen(LicenseKey where, String machineId) {
            return await(store().withSigns(await(store().find(where)).orElseThrow()))
                    .machine(machineId)
                    .orElseThrow()
                    .lastSeenAt();
        }

        @Test
        void are_shown_if_they_are_asked_for_and_only_of_the_machines_that_were_seen() {
            see(key, "one", LATER);

            assertThat(seen(key, "one")).isEqualTo(LATER);
            assertThat(seen(key, "two")).isNull();
            assertThat(await(store().find(key)).orElseThrow().machines())
                    .extracting(Machine::lastSeenAt)
                    .containsOnlyNulls();
        }

        @Test
        void of_many_licenses_at_once_are_stored_to_the_minute() {
            License another = newLicense(randomEmail());
            LicenseKey other = another.key();
            await(store().register(Email.of(another.email()), () -> another));
            await(activate(other, "one"));

            await(store().addSigns(List.of(
                    Sign.of(key, "one", LATER),
                    Sign.of(other, "one", LATEST),
                    Sign.of(key, "two", LATEST.plusSeconds(59)))));

            assertThat(seen(key, "one")).isEqualTo(LATER);
            assertThat(seen(key, "two")).isEqualTo(LATEST);
            assertThat(seen(other, "one")).isEqualTo(LATEST);
        }

        @Test
        void of_no_license_are_stored_too() {
            assertThatCode(() -> await(store().addSigns(List.of()))).doesNotThrowAnyException();
        }

        @Test
        void replace_earlier_ones() {
            see(key, "one", LATER);
            see(key, "one", LATEST);

            assertThat(seen(key, "one")).isEqualTo(LATEST);
        }

        @Test
        void count_only_if_they_are_later_than_what_the_record_says() {
            put("license:" + key.value(), record(LATEST));
            see(key, "one", LATER);
            assertThat(seen(key, "one")).isEqualTo(LATEST);

            put("license:" + key.value(), record(LATER));
            see(key, "one", LATEST);
            assertThat(seen(key, "one")).isEqualTo(LATEST);
        }

        private String record(Instant lastSeenAt) {
            License now = await(store().find(key)).orElseThrow();
            return LicenseJson.encode(now)
                    .replaceFirst(
                            "(\"machineId\":\"one\",\"activatedAt\":\\d+)",
                            "$1,\"lastSeenAt\":" + lastSeenAt.toEpochMilli());
        }

        @Test
        void decide_which_machine_is_idle() {
            await(activate(key, "three"));
            Instant now = NOW.plus(Duration.ofDays(40));
            see(key, "one", now.minusSeconds(600));
            see(key, "three", now.minusSeconds(600));
            Policy idle = new Policy(30, 0);

            assertThat(await(activate(key, "new", idle, now)).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(activate(key, "newer", idle, now)).verdict()).isEqualTo(Verdict.LIMIT_EXCEEDED);

            assertThat(await(store().find(key)).orElseThrow().machines())
                    .extracting(Machine::machineId)
                    .containsExactly("one", "three", "new");
        }

        @Test
        void decide_whether_a_license_is_full_before_new_machines_are_counted() {
            await(activate(key, "three"));
            Instant now = NOW.plus(Duration.ofDays(20));
            Policy policy = new Policy(10, 2);
            assertThat(await(activate(key, "new", policy, now)).verdict()).isEqualTo(Verdict.TOO_MANY_NEW_MACHINES);
            for (String machineId : List.of("one", "two", "three")) {
                see(key, machineId, now.minusSeconds(600));
            }

            assertThat(await(activate(key, "new", policy, now)).verdict()).isEqualTo(Verdict.LIMIT_EXCEEDED);
        }

        private Future<Answer> activate(LicenseKey where, String machineId, Policy policy, Instant now) {
            return store().update(where, given -> Rules.activate(given, machineId, null, policy, now));
        }

        private Future<Answer> activate(LicenseKey where, String machineId) {
            return activate(where, machineId, Policy.NONE, NOW);
        }

        @Test
        void are_in_the_record_after_the_next_change() {
            see(key, "one", LATER);

            await(activate(key, "three"));

            assertThat(await(store().find(key)).orElseThrow().machine("one"))
                    .contains(new Machine("one", NOW, null, LATER, ""));
        }

        @Test
        void of_a_machine_go_when_it_is_deactivated() {
            see(key, "one", LATER);
            see(key, "two", LATER);
            await(store().update(key, given -> Rules.deactivate(given, "one", LATEST)));

            await(activate(key, "one"));

            assertThat(seen(key, "one")).isNull();
            assertThat(seen(key, "two")).isEqualTo(LATER);
        }

        @Test
        void of_an_earlier_activation_are_ignored_even_if_they_come_late() {
            await(store().update(key, given -> Rules.deactivate(given, "one", LATER)));
            await(activate(key, "one", Policy.NONE, LATEST));

            see(key, "one", LATER);

            assertThat(seen(key, "one")).isNull();
        }

        @Test
        void go_with_a_license_to_another_key_and_email() {
            see(key, "one", LATER);
            LicenseKey other = randomKey();
            await(store().update(key, given -> Rules.rotateKey(given, other, true, LATEST)));
            assertThat(seen(other, "one")).isEqualTo(LATER);
            see(other, "one", LATEST);

            await(store().update(other, given -> Rules.update(given, terms -> terms, randomEmail(), LATEST)));

            assertThat(seen(other, "one")).isEqualTo(LATEST);
        }

        @Test
        void of_a_license_that_is_gone_leave_nothing_behind() {
            see(key, "one", LATER);
            await(store().update(key, given -> Rules.delete(given, LATEST)));
            see(key, "one", LATER);
            LicenseKey never = randomKey();
            see(never, "one", LATER);

            for (LicenseKey gone : List.of(key, never)) {
                License again = license.withKey(gone);
                put("license:" + gone.value(), LicenseJson.encode(again));
                await(activate(gone, "one"));
                assertThat(seen(gone, "one")).isNull();
            }
        }
    }

    @Nested
    class HistoryOf {
        @Test
        void an_unknown_license_is_empty() {
            assertThat(await(store().history(randomKey()))).isEqualTo(new History(true, OptionalInt.of(0), List.of()));
        }

        @Test
        void a_license_tells_each_change_and_nothing_else() {
            License license = registered(3);
            await(activate(license.key(), "one"));
            await(activate(license.key(), "one"));
            await(store().register(email, () -> newLicense(email)));
            await(store().update(license.key(), given -> Rules.setDisabled(given, true, "refund", NOW)));

            History history = await(store().history(license.key()));

            assertThat(history.isWhole()).isTrue();
            assertThat(history.unverified()).hasValue(0);
            assertThat(history.events())
                    .satisfiesExactly(
                            event -> assertThat(event)
                                    .startsWith(
                                            "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\","),
                            event -> assertThat(event)
                                    .startsWith(
                                            "{\"n\":2,\"at\":1719000000000,\"what\":\"activated\",\"by\":\"client\","
                                                    + "\"subject\":\"one\","),
                            event -> assertThat(event)
                                    .startsWith("{\"n\":3,\"at\":1719000000000,\"what\":\"disabled\",\"by\":\"admin\","
                                            + "\"to\":\"refund\","));
        }

        @Test
        void a_license_goes_with_it_to_another_key_and_email() {
            License license = registered(3);
            LicenseKey newKey = randomKey();
            await(move(license.key(), randomEmail()));
            await(rotate(license.key(), newKey));
            await(activate(newKey, "one"));

            History history = await(store().history(newKey));

            assertThat(history.isWhole()).isTrue();
            assertThat(history.unverified()).hasValue(0);
            assertThat(history.events())
                    .extracting(event -> event.replaceAll(".*\"what\":\"(.*?)\".*", "$1"))
                    .containsExactly("registered", "email_changed", "key_rotated", "activated");
            assertThat(await(store().history(license.key())).events()).isEmpty();
        }

        @Test
        void many_changes_keeps_the_last_200_and_is_whole() {
            License license = registered(3);
            for (int i = 0; i < 205; i++) {
                boolean off = i % 2 == 0;
                await(store().update(license.key(), given -> Rules.setDisabled(given, off, null, NOW)));
            }

            History history = await(store().history(license.key()));

            assertThat(history.isWhole()).isTrue();
            assertThat(history.unverified()).hasValue(0);
            assertThat(history.events()).hasSize(200);
            assertThat(history.events().get(0)).startsWith("{\"n\":7,");
            assertThat(history.events().get(199)).startsWith("{\"n\":206,");
        }

        @Test
        void many_changes_at_once_is_whole() {
            License license = registered(AT_ONCE);

            atOnce(number -> activate(license.key(), "machine-" + number));

            History history = await(store().history(license.key()));
            assertThat(history.isWhole()).isTrue();
            assertThat(history.events()).hasSize(AT_ONCE + 1);
        }

        @Test
        void text_of_any_kind_is_whole() {
            License license = registered(3);
            String strange = "\"\\{}[]é中\ud83d\ude00\u2028";
            await(activate(license.key(), strange));
            await(store().update(license.key(), given -> Rules.setDisabled(given, true, strange, NOW)));

            assertThat(await(store().history(license.key())).isWhole()).isTrue();
        }
    }

    @Nested
    class RecentEventsOfAll {
        @Test
        void tell_of_a_change_a_moment_later_newest_first() {
            License license = registered(3);
            await(activate(license.key(), "one"));
            String key = "{\"key\":\"" + license.key().value() + "\",";

            Wait.until("both are told", () -> ofKey(key).size() == 2);

            assertThat(ofKey(key))
                    .satisfiesExactly(
                            event -> assertThat(event)
                                    .startsWith(key + "\"n\":2,")
                                    .contains("\"activated\""),
                            event -> assertThat(event)
                                    .startsWith(key + "\"n\":1,")
                                    .contains("\"registered\""));
        }

        @Test
        void tell_of_a_removal_by_the_end_of_the_key_and_of_nothing_else_of_that_license() {
            License license = registered(3);
            await(activate(license.key(), "one"));
            Wait.until("both are told", () -> ofKey(license.key().value()).size() == 2);
            await(activate(license.key(), "two"));

            await(remove(license.key()));

            assertThat(ofKey("{\"key\":\"" + license.key() + "\","))
                    .singleElement()
                    .asString()
                    .contains("\"n\":4,", "\"what\":\"deleted\"");
            // Those that waited to be written were written before this one.
            told(randomEmail());
            assertThat(ofKey(license.key().value())).isEmpty();
            assertThat(ofKey(email.address())).isEmpty();
        }

        @Test
        void go_with_a_license_to_another_key() {
            License license = registered(3);
            Wait.until("it is told", () -> ofKey(license.key().value()).size() == 1);
            await(activate(license.key(), "one"));
            LicenseKey newKey = randomKey();

            await(rotate(license.key(), newKey));

            String key = "{\"key\":\"" + newKey.value() + "\",";
            Wait.until("all are told", () -> ofKey(key).size() == 3);
            told(randomEmail());
            assertThat(ofKey(license.key().value())).isEmpty();
            await(remove(newKey));
            assertThat(ofKey(newKey.value())).isEmpty();
            assertThat(ofKey(email.address())).isEmpty();
        }

        @Test
        void are_in_the_order_of_their_times_however_they_were_written() {
            License license = registered(3);
            for (int minute : List.of(3, 1, 2)) {
                Instant then = NOW.plusSeconds(60L * minute);
                await(store().update(license.key(), old -> Rules.setDisabled(old, true, "at " + minute, then)));
            }
            String key = "{\"key\":\"" + license.key().value() + "\",";

            Wait.until("all are told", () -> ofKey(key).size() == 4);

            assertThat(ofKey(key))
                    .extracting(event -> new JsonObject(event).getString("to"))
                    .containsExactly("at 3", "at 2", "at 1", email.address());
        }

        /** Registers another license, and waits until that is told. */
        private void told(Email another) {
            await(store().register(another, () -> newLicense(another)));
            Wait.until("it is told", () -> ofKey(another.address()).size() == 1);
        }

        @Test
        void are_json_whatever_the_key() {
            var key = new LicenseKey("\"\\-" + UUID.randomUUID());
            License license = newLicense(email).withKey(key);
            await(store().register(email, () -> license));

            Wait.until(
                    "it is told",
                    () -> await(store().recentEvents(1000)).stream()
                            .filter(event -> event.contains(email.address()))
                            .anyMatch(event ->
                                    new JsonObject(event).getString("key").equals(key.value())));
        }

        @Test
        void are_no_more_than_asked_for() {
            License license = registered(3);
            await(activate(license.key(), "one"));
            Wait.until("both are told", () -> ofKey(license.key().value()).size() == 2);

            assertThat(await(store().recentEvents(1))).hasSize(1);
        }

        /** Those in whose text this stands. */
        private List<String> ofKey(String key) {
            return await(store().recentEvents(1000)).stream()
                    .filter(event -> event.contains(key))
                    .toList();
        }
    }

    /** Records that others wrote, whose own {@code key} is not the name they lie under: the name decides. */
    @Nested
    class UnreadableRecord {
        private final LicenseKey key = randomKey();
        private final License replacement = License.issue(randomKey(), email, NOW, Terms.of(2));

        @BeforeEach
        void put_a_record_that_is_not_a_license() {
            put("license:" + key.value(), "{\"email\":\"" + email.address() + "\",\"maxMachines\":\"two\"}");
            put("email:" + email.address(), key.value());
        }

        @Test
        void is_replaced_by_a_license_that_keeps_its_key() {
            assertThat(await(store().mendUnreadable(key, replacement, NOW))).isTrue();

            License found = await(store().findByEmail(email)).orElseThrow();
            assertThat(found).isEqualTo(replacement.withKey(key));
            assertThat(await(store().history(key)).events())
                    .singleElement()
                    .asString()
                    .contains("\"what\":\"updated\"", "\"subject\":\"record\"");
            assertThat(await(activate(key, "one")).verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void is_removed_with_what_leads_to_it() {
            assertThat(await(store().mendUnreadable(key, null, NOW))).isTrue();

            assertThat(await(store().find(key))).isEmpty();
            assertThat(stored("email:" + email.address())).isNull();
        }

        @Test
        void is_not_replaced_by_a_license_whose_address_has_another() {
            Email taken = Email.of("taken-" + email.address());
            License other = License.issue(randomKey(), taken, NOW, Terms.of(1));
            await(store().register(taken, () -> other));

            assertThatThrownBy(
                            () -> await(store().mendUnreadable(key, License.issue(key, taken, NOW, Terms.of(1)), NOW)))
                    .isInstanceOf(EmailTakenException.class);
            assertThatThrownBy(() -> await(store().find(key))).isInstanceOf(UnreadableLicenseException.class);
        }

        @Test
        void is_mended_only_once() {
            await(store().mendUnreadable(key, replacement, NOW));

            assertThat(await(store().mendUnreadable(key, null, NOW))).isFalse();
            assertThat(await(store().mendUnreadable(key, replacement, NOW))).isFalse();
            assertThat(await(store().find(key))).isPresent();
        }
    }

    @Nested
    class RecordUnderAnotherName {
        private final LicenseKey key = randomKey();
        private final LicenseKey within = new LicenseKey(key.value().toLowerCase(Locale.ROOT));

        /** Byte for byte what a license with one machine is stored as. */
        private String record(LicenseKey named) {
            return "{\"key\":\"" + named.value() + "\",\"email\":\"" + email.address()
                    + "\",\"createdAt\":1719000000000,\"maxMachines\":1,\"disabled\":false,\"machines\":[]}";
        }

        private void assertThatNothingLiesUnderTheOtherKey() {
            assertThat(stored("license:" + within.value())).isNull();
            assertThat(await(store().find(within))).isEmpty();
            assertThat(await(store().history(within)).events()).isEmpty();
        }

        @Test
        void has_the_limit_of_the_one_license_that_it_is() {
            put("license:" + key.value(), record(within));

            List<Verdict> verdicts = Stream.of("one", "two", "three", "four")
                    .map(machine -> await(activate(key, machine)).verdict())
                    .toList();

            assertThat(verdicts)
                    .containsExactly(
                            Verdict.OK, Verdict.LIMIT_EXCEEDED, Verdict.LIMIT_EXCEEDED, Verdict.LIMIT_EXCEEDED);
            License found = await(store().find(key)).orElseThrow();
            assertThat(found.key()).isEqualTo(key);
            assertThat(Rules.validate(found, "one", NOW).verdict()).isEqualTo(Verdict.OK);
            assertThatNothingLiesUnderTheOtherKey();
        }

        @Test
        void is_written_back_with_the_key_of_its_name() {
            put("license:" + key.value(), record(within));

            await(activate(key, "one"));

            assertThat(stored("license:" + key.value()))
                    .isEqualTo(record(key)
                            .replace(
                                    "\"machines\":[]",
                                    "\"machines\":[{\"machineId\":\"one\",\"activatedAt\":1719000000000}]"));
        }

        @Test
        void can_be_disabled_and_removed() {
            put("license:" + key.value(), record(within));
            put("email:" + email.address(), key.value());

            await(store().update(key, license -> Rules.setDisabled(license, true, null, NOW)));
            assertThat(await(activate(key, "one")).verdict()).isEqualTo(Verdict.DISABLED);
            await(remove(key));

            assertThat(await(store().find(key))).isEmpty();
            assertThat(await(store().findByEmail(email))).isEmpty();
            assertThatNothingLiesUnderTheOtherKey();
        }

        @Test
        void can_get_another_email_and_another_key() {
            put("license:" + key.value(), record(within));
            put("email:" + email.address(), key.value());
            Email buyer = randomEmail();
            LicenseKey newKey = randomKey();

            assertThat(await(move(key, buyer)).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(store().findByEmail(buyer)).orElseThrow().key()).isEqualTo(key);
            assertThat(await(rotate(key, newKey)).verdict()).isEqualTo(Verdict.OK);

            assertThat(await(store().findByEmail(buyer)).orElseThrow().key()).isEqualTo(newKey);
            assertThat(await(store().find(key))).isEmpty();
            assertThatNothingLiesUnderTheOtherKey();
        }

        /** As no key that is typed leads to a name in lower case, the e-mail must. */
        @Test
        void is_found_by_the_email_under_exactly_the_name_that_this_leads_to() {
            put("license:" + within.value(), record(key));
            put("email:" + email.address(), within.value());

            assertThat(await(store().findByEmail(email)).orElseThrow().key()).isEqualTo(within);
            assertThat(await(store().register(email, () -> newLicense(email))))
                    .isEqualTo(new Registration(false, within));
            assertThat(await(activate(within, "one")).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(activate(within, "two")).verdict()).isEqualTo(Verdict.LIMIT_EXCEEDED);
            assertThat(await(rotate(within, key)).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(store().findByEmail(email)).orElseThrow().key()).isEqualTo(key);
            assertThat(await(store().find(key)).orElseThrow().isActiveOn("one")).isTrue();
            assertThat(await(store().find(within))).isEmpty();
        }
    }

    private Future<Answer> rotate(LicenseKey from, LicenseKey to) {
        return store().update(from, license -> Rules.rotateKey(license, to, true, NOW));
    }

    private Future<Answer> move(LicenseKey key, Email to) {
        return store().update(key, license -> Rules.update(license, terms -> terms, to, NOW));
    }

    private Future<Answer> remove(LicenseKey key) {
        return store().update(key, license -> Rules.delete(license, NOW));
    }

    private static License like(License any, LicenseKey key, Email buyer) {
        return new License(
                key,
                " " + buyer.address().toUpperCase(Locale.ROOT) + " ",
                any.createdAt(),
                any.terms(),
                any.disabled(),
                any.disabledReason(),
                any.machines(),
                any.newMachines(),
                any.unknownFields());
    }

    private License registered(int maxMachines) {
        License license = License.issue(randomKey(), email, NOW, Terms.of(maxMachines));
        await(store().register(email, () -> license));
        return license;
    }

    private License newLicense(Email buyer) {
        return License.issue(randomKey(), buyer, NOW, Terms.of(3));
    }

    private LicenseKey randomKey() {
        return LicenseKey.random(random);
    }

    private static Email randomEmail() {
        return new Email("customer-" + UUID.randomUUID() + "@example.com");
    }

    private Future<Answer> activate(LicenseKey key, String machineId) {
        return store().update(key, license -> Rules.activate(license, machineId, null, Policy.NONE, NOW));
    }

    private static License licenseOf(Answer answer) {
        return Objects.requireNonNull(answer.license());
    }

    private static Machine machine(String machineId, String unknownFields) {
        return new Machine(machineId, NOW, null, null, unknownFields);
    }

    private static <T> List<T> atOnce(IntFunction<Future<T>> call) {
        List<Future<T>> calls = IntStream.range(0, AT_ONCE).mapToObj(call).toList();
        return calls.stream().map(future -> await(future)).toList();
    }
}
