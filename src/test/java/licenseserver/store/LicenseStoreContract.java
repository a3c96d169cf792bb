package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Decision.Save;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.RandomLicenses;
import licenseserver.license.Rules;
import licenseserver.license.Rules.Activation;
import licenseserver.license.Verdict;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What every {@link LicenseStore} does, run on each of them. A store may be shared by tests: all their data is random. */
abstract class LicenseStoreContract {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final int AT_ONCE = 20;

    private final SecureRandom random = new SecureRandom();
    private final Email email = randomEmail();

    /** The store under test, the same one for all calls within a test. */
    abstract LicenseStore store();

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
                License license = new License(
                        randomKey(),
                        " " + buyer.address().toUpperCase(Locale.ROOT) + " ",
                        any.createdAt(),
                        any.maxMachines(),
                        any.disabled(),
                        any.machines(),
                        any.unknownFields());

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

            Activation activation = await(activate(license.key(), "one"));

            assertThat(activation).isEqualTo(new Activation(Verdict.OK, 2));
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .containsExactly(new Machine("one", NOW, ""));
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

            List<Activation> activations = atOnce(number -> activate(license.key(), "machine-" + number));

            assertThat(activations)
                    .filteredOn(activation -> activation.verdict() == Verdict.OK)
                    .extracting(Activation::remainingSlots)
                    .containsExactlyInAnyOrder(2, 1, 0);
            assertThat(activations)
                    .filteredOn(activation -> activation.verdict() != Verdict.OK)
                    .hasSize(AT_ONCE - 3)
                    .containsOnly(new Activation(Verdict.LIMIT_EXCEEDED, 0));
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .hasSize(3);
        }

        @Test
        void activates_one_machine_once_of_many_at_once() {
            License license = registered(3);

            List<Activation> activations = atOnce(number -> activate(license.key(), "one"));

            assertThat(activations).containsOnly(new Activation(Verdict.OK, 2));
            assertThat(await(store().find(license.key())).orElseThrow().machines())
                    .hasSize(1);
        }

        @Test
        void loses_none_of_many_changes_at_once() {
            License license = registered(AT_ONCE);

            List<Activation> activations = atOnce(number -> activate(license.key(), "machine-" + number));

            assertThat(activations)
                    .extracting(Activation::remainingSlots)
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

            List<Verdict> verdicts = atOnce(number -> number % 2 == 0
                    ? activate(license.key(), "machine-" + number % 6).map(Activation::verdict)
                    : store().update(license.key(), given -> Rules.deactivate(given, "machine-" + (number - 1) % 6)));

            assertThat(verdicts).isSubsetOf(Verdict.OK, Verdict.LIMIT_EXCEEDED);
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
                    3,
                    false,
                    List.of(new Machine("one", NOW, "\"os\" : \"linux\"")),
                    "\"price\":1.0,\"note\":\"\\u0041\"");
            await(store().register(email, () -> license));

            await(activate(license.key(), "two"));

            License stored = await(store().find(license.key())).orElseThrow();
            assertThat(stored.unknownFields()).isEqualTo(license.unknownFields());
            assertThat(stored.machines())
                    .containsExactly(new Machine("one", NOW, "\"os\" : \"linux\""), new Machine("two", NOW, ""));
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
                    license.key(), license.email(), NOW.plusSeconds(1), 7, true, List.of(), "\"reason\":\"refund\"");

            await(store().update(license.key(), given -> new Save<>(changed, "saved")));

            assertThat(await(store().find(license.key()))).contains(changed);
        }
    }

    private License registered(int maxMachines) {
        License license = License.issue(randomKey(), email, NOW, maxMachines);
        await(store().register(email, () -> license));
        return license;
    }

    private License newLicense(Email buyer) {
        return License.issue(randomKey(), buyer, NOW, 3);
    }

    private LicenseKey randomKey() {
        return LicenseKey.random(random);
    }

    private static Email randomEmail() {
        return new Email("customer-" + UUID.randomUUID() + "@example.com");
    }

    private Future<Activation> activate(LicenseKey key, String machineId) {
        return store().update(key, license -> Rules.activate(license, machineId, NOW));
    }

    private static <T> List<T> atOnce(IntFunction<Future<T>> call) {
        List<Future<T>> calls = IntStream.range(0, AT_ONCE).mapToObj(call).toList();
        return calls.stream().map(future -> await(future)).toList();
    }
}
