package licenseserver.store;

import static licenseserver.Await.await;
import static licenseserver.redis.RedisCommands.command;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import licenseserver.RedisForTests;
import licenseserver.Wait;
import licenseserver.event.Outbox;
import licenseserver.license.Answer;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.license.Verdict;
import licenseserver.redis.Deadline;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.StoreUnavailableException;
import org.assertj.core.api.ListAssert;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A server that dies between any two of its steps in Redis. Each test runs its operation on servers that do one step, two steps,
 * and so on, and then nothing any more; and then looks at what another server makes of that.
 */
class MoveCrashIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final Instant SEEN = NOW.plus(Duration.ofDays(1));
    private static final HistorySettings HISTORY = new HistorySettings(200, "a secret of this test", null);

    private static final RedisSettings SETTINGS = RedisSettings.of(RedisForTests.url());
    private static final RedisTopology TOPOLOGY =
            RedisTopology.single(SETTINGS.nodes().get(0));

    private static Vertx vertx;
    private static RedisPool redis;
    private static RedisLicenseStore store;

    private final SecureRandom random = new SecureRandom();

    @BeforeAll
    static void connect() {
        vertx = Vertx.vertx();
        redis = new RedisPool(vertx, SETTINGS, TOPOLOGY, TIMEOUT);
        store = new RedisLicenseStore(
                vertx, SETTINGS, TOPOLOGY, TIMEOUT, new LicenseTurns(), HISTORY, NearCache.off(), new Outbox(false));
    }

    @AfterAll
    static void disconnect() {
        await(vertx.close());
    }

    /** Does so many batches of commands, and then nothing. */
    private static final class DyingPool extends RedisPool {
        private int batchesLeft;
        private boolean isDead;

        DyingPool(int batches) {
            super(vertx, SETTINGS, TOPOLOGY, TIMEOUT);
            batchesLeft = batches;
        }

        @Override
        public Future<List<Response>> send(RedisConnection connection, List<Request> commands) {
            if (batchesLeft == 0) {
                isDead = true;
                return Future.failedFuture(new StoreUnavailableException("dead"));
            }
            batchesLeft--;
            return super.send(connection, commands);
        }
    }

    private interface Operation {
        Future<?> on(LicenseStore dying, License license);
    }

    private interface Check {
        void of(License license);
    }

    private void dieAfterEachStep(Operation operation, Check check) {
        int deaths = 0;
        for (int batches = 0; ; batches++) {
            License license = newLicense();
            await(store.register(Email.of(license.email()), () -> license));
            assertThat(await(activate(store, license.key(), "laptop")).verdict())
                    .isEqualTo(Verdict.OK);
            see(license.key());
            var pool = new DyingPool(batches);
            var reader = new RedisReader(vertx, SETTINGS, TOPOLOGY, TIMEOUT);
            var dying = new RedisLicenseStore(
                    vertx, pool, reader, TIMEOUT, new LicenseTurns(), HISTORY, NearCache.off(), new Outbox(false));

            await(operation.on(dying, license).otherwiseEmpty());
            boolean died = pool.isDead;
            await(dying.close());

            check.of(license);
            if (!died) {
                break;
            }
            deaths++;
        }
        assertThat(deaths).isGreaterThan(2);
    }

    private static void see(LicenseKey key) {
        await(store.addSigns(List.of(Sign.of(key, "laptop", SEEN))));
    }

    /** Neither those from before it was gone, nor those that come later. */
    private static void assertThatNoSignsAreAt(LicenseKey gone) {
        assertThat(signsAt(gone)).isZero();
        see(gone);
        assertThat(signsAt(gone)).isZero();
    }

    private static int signsAt(LicenseKey key) {
        String signs = "seen:{license:" + key.value() + "}";
        return await(redis.read(signs, Deadline.in(TIMEOUT), command(Command.HLEN, signs)))
                .get(0)
                .toInteger();
    }

    private License newLicense() {
        return License.issue(LicenseKey.random(random), randomEmail(), NOW, Terms.of(3));
    }

    private static Email randomEmail() {
        return Email.of(UUID.randomUUID() + "@example.com");
    }

    private static Future<Answer> activate(LicenseStore at, LicenseKey key, String machineId) {
        return at.update(key, license -> Rules.activate(license, machineId, null, Policy.NONE, NOW));
    }

    private License afresh(Email email) {
        return License.issue(LicenseKey.random(random), email, NOW, Terms.of(3));
    }

    @Test
    void while_it_rotates_a_key() {
        var newKey = new LicenseKey[1];
        dieAfterEachStep(rotation(newKey), license -> {
            Email email = Email.of(license.email());
            assertThatAtMostOneIsFound(license.key(), newKey[0]);

            License found = await(store.findByEmail(email)).orElseThrow();

            assertThat(found.key()).isIn(license.key(), newKey[0]);
            LicenseKey other = found.key().equals(newKey[0]) ? license.key() : newKey[0];
            assertThat(await(store.find(found.key()))).contains(found);
            assertThat(found.isActiveOn("laptop")).isTrue();
            assertThat(await(store.withSigns(found))
                            .machine("laptop")
                            .orElseThrow()
                            .lastSeenAt())
                    .isEqualTo(SEEN);
            assertThat(await(store.find(other))).isEmpty();
            assertThat(await(activate(store, other, "thief")).verdict()).isEqualTo(Verdict.NOT_FOUND);
            assertThatNoSignsAreAt(other);
            assertThat(await(activate(store, found.key(), "second")).verdict()).isEqualTo(Verdict.OK);
            assertThat(await(store.register(email, () -> afresh(email))))
                    .isEqualTo(new Registration(false, found.key()));
            assertThat(await(store.history(found.key())).isWhole()).isTrue();
            assertThat(await(store.history(found.key())).events()).hasSizeGreaterThanOrEqualTo(3);
        });
    }

    @Test
    void while_it_rotates_a_key_and_the_next_call_is_one_by_the_old_key() {
        var newKey = new LicenseKey[1];
        dieAfterEachStep(rotation(newKey), license -> {
            boolean works = await(activate(store, license.key(), "laptop")).verdict() == Verdict.OK;

            assertThat(await(store.find(newKey[0])).isPresent()).isEqualTo(!works);
            assertThat(await(store.findByEmail(Email.of(license.email())))
                            .orElseThrow()
                            .key())
                    .isEqualTo(works ? license.key() : newKey[0]);
        });
    }

    @Test
    void while_it_rotates_a_key_and_the_old_one_is_tried_after_the_license_has_moved_on() {
        var newKey = new LicenseKey[1];
        dieAfterEachStep(rotation(newKey), license -> {
            Email email = Email.of(license.email());
            LicenseKey found = await(store.findByEmail(email)).orElseThrow().key();
            assertThat(await(store.update(found, changeTo(randomEmail()))).verdict())
                    .isEqualTo(Verdict.OK);
            LicenseKey other = found.equals(newKey[0]) ? license.key() : newKey[0];

            for (int i = 0; i < 3; i++) {
                assertThat(await(activate(store, other, "thief")).verdict()).isEqualTo(Verdict.NOT_FOUND);
                assertThat(await(store.find(other))).isEmpty();
            }
            assertThat(await(store.find(found)).orElseThrow().isActiveOn("laptop"))
                    .isTrue();
        });
    }

    /** Rotates to a key that it leaves here for the check. */
    private Operation rotation(LicenseKey[] newKey) {
        return (dying, license) -> {
            newKey[0] = LicenseKey.random(random);
            return dying.update(license.key(), old -> Rules.rotateKey(old, newKey[0], true, NOW));
        };
    }

    private static void assertThatAtMostOneIsFound(LicenseKey one, LicenseKey other) {
        Optional<License> first = await(store.find(one));
        Optional<License> second = await(store.find(other));
        assertThat(first.isPresent() && second.isPresent()).isFalse();
    }

    @Test
    void while_it_changes_an_email() {
        var newEmail = new Email[1];
        dieAfterEachStep(
                (dying, license) -> {
                    newEmail[0] = randomEmail();
                    return dying.update(license.key(), changeTo(newEmail[0]));
                },
                license -> {
                    // The license works throughout.
                    assertThat(await(store.find(license.key())).orElseThrow().isActiveOn("laptop"))
                            .isTrue();
                    assertThat(await(activate(store, license.key(), "second")).verdict())
                            .isEqualTo(Verdict.OK);

                    License found = await(store.find(license.key())).orElseThrow();
                    boolean moved = found.belongsTo(newEmail[0]);
                    Email has = moved ? newEmail[0] : Email.of(license.email());
                    Email hasNot = moved ? Email.of(license.email()) : newEmail[0];
                    assertThat(found.belongsTo(has)).isTrue();
                    assertThat(found.maxMachines()).isEqualTo(moved ? 7 : 3);
                    assertThat(await(store.findByEmail(has))).contains(found);
                    assertThat(await(store.findByEmail(hasNot))).isEmpty();
                    assertThat(await(store.register(has, () -> afresh(has))))
                            .isEqualTo(new Registration(false, license.key()));
                    Registration freed = await(store.register(hasNot, () -> afresh(hasNot)));
                    assertThat(freed.created()).isTrue();
                    assertThat(freed.key()).isNotEqualTo(license.key());
                    assertThat(await(store.findByEmail(has)).orElseThrow().key())
                            .isEqualTo(license.key());
                });
    }

    @Test
    void while_it_changes_an_email_and_the_next_call_registers_the_old_or_the_new_one() {
        for (UnaryOperator<Email[]> which : List.<UnaryOperator<Email[]>>of(
                both -> new Email[] {both[0], both[1]}, both -> new Email[] {both[1], both[0]})) {
            var newEmail = new Email[1];
            dieAfterEachStep(
                    (dying, license) -> {
                        newEmail[0] = randomEmail();
                        return dying.update(license.key(), changeTo(newEmail[0]));
                    },
                    license -> {
                        Email[] order = which.apply(new Email[] {Email.of(license.email()), newEmail[0]});
                        Registration first = await(store.register(order[0], () -> afresh(order[0])));
                        Registration second = await(store.register(order[1], () -> afresh(order[1])));

                        assertThat(first.created()).isNotEqualTo(second.created());
                        assertThat(first.key()).isNotEqualTo(second.key());
                        assertThat(first.created() ? second.key() : first.key()).isEqualTo(license.key());
                        for (Email email : order) {
                            assertThat(await(store.findByEmail(email))
                                            .orElseThrow()
                                            .belongsTo(email))
                                    .isTrue();
                        }
                    });
        }
    }

    @Test
    void while_it_changes_an_email_and_the_next_call_looks_for_either() {
        for (boolean newFirst : new boolean[] {false, true}) {
            var newEmail = new Email[1];
            dieAfterEachStep(
                    (dying, license) -> {
                        newEmail[0] = randomEmail();
                        return dying.update(license.key(), changeTo(newEmail[0]));
                    },
                    license -> {
                        Email old = Email.of(license.email());
                        Optional<License> first = await(store.findByEmail(newFirst ? newEmail[0] : old));
                        Optional<License> second = await(store.findByEmail(newFirst ? old : newEmail[0]));

                        // Found by the old one it may be moving still; found by the new one it has moved.
                        assertThat(first.or(() -> second).orElseThrow().key()).isEqualTo(license.key());
                        assertThat(newFirst && first.isPresent() && second.isPresent())
                                .isFalse();
                        assertThat(await(store.findByEmail(old)).isPresent())
                                .isNotEqualTo(
                                        await(store.findByEmail(newEmail[0])).isPresent());
                    });
        }
    }

    private static Function<License, licenseserver.license.Decision<Answer>> changeTo(Email email) {
        return license ->
                Rules.update(license, terms -> new Terms(7, null, terms.product(), null, null, null, null), email, NOW);
    }

    @Test
    void while_it_removes_a_license() {
        dieAfterEachStep((dying, license) -> dying.update(license.key(), old -> Rules.delete(old, NOW)), license -> {
            Email email = Email.of(license.email());
            boolean still = await(store.find(license.key())).isPresent();

            Registration registration = await(store.register(email, () -> afresh(email)));

            assertThat(registration.created()).isEqualTo(!still);
            assertThat(registration.key().equals(license.key())).isEqualTo(still);
            assertThat(await(store.find(license.key())).isPresent()).isEqualTo(still);
            assertThat(await(store.findByEmail(email)).orElseThrow().key()).isEqualTo(registration.key());
            assertThat(await(store.history(license.key())).events().isEmpty()).isEqualTo(!still);
        });
    }

    @Test
    void while_it_removes_a_license_and_the_removal_is_repeated() {
        dieAfterEachStep((dying, license) -> dying.update(license.key(), old -> Rules.delete(old, NOW)), license -> {
            await(store.update(license.key(), old -> Rules.delete(old, NOW)));

            assertThat(await(store.find(license.key()))).isEmpty();
            assertThatNoSignsAreAt(license.key());
            assertThat(await(store.findByEmail(Email.of(license.email())))).isEmpty();
            assertThat(await(store.history(license.key())).events()).isEmpty();
            assertThatRecentEventsWith(license.key().value()).isEmpty();
            assertThat(recentEventsWith(license.email())).isEmpty();
            assertThat(recentEventsWith("{\"key\":\"" + license.key() + "\","))
                    .singleElement()
                    .asString()
                    .contains("\"what\":\"deleted\"");
        });
    }

    @Test
    void while_it_rotates_a_key_and_the_license_is_removed_then() {
        var newKey = new LicenseKey[1];
        dieAfterEachStep(rotation(newKey), license -> {
            // Whoever repeats the rotation by the old key finishes it, or begins again.
            await(store.update(license.key(), old -> Rules.rotateKey(old, newKey[0], true, NOW)));

            assertThatRecentEventsWith(license.key().value()).isEmpty();
            assertThat(await(store.update(newKey[0], old -> Rules.delete(old, NOW)))
                            .verdict())
                    .isEqualTo(Verdict.OK);
            assertThat(recentEventsWith(newKey[0].value())).isEmpty();
            assertThat(recentEventsWith(license.email())).isEmpty();
        });
    }

    /** Those with this text, when all that waited to be written is. */
    private ListAssert<String> assertThatRecentEventsWith(String text) {
        Email last = randomEmail();
        await(store.register(last, () -> afresh(last)));
        Wait.until("it is told", () -> !recentEventsWith(last.address()).isEmpty());
        return assertThat(recentEventsWith(text));
    }

    private static List<String> recentEventsWith(String text) {
        return await(store.recentEvents(1000)).stream()
                .filter(event -> event.contains(text))
                .toList();
    }

    @Test
    void while_it_registers() {
        var email = new Email[1];
        dieAfterEachStep(
                (dying, license) -> {
                    email[0] = randomEmail();
                    return dying.register(email[0], () -> afresh(email[0]));
                },
                license -> {
                    Optional<License> before = await(store.findByEmail(email[0]));

                    Registration registration = await(store.register(email[0], () -> afresh(email[0])));

                    assertThat(registration.created()).isEqualTo(before.isEmpty());
                    License found = await(store.findByEmail(email[0])).orElseThrow();
                    assertThat(found.key()).isEqualTo(registration.key());
                    assertThat(await(store.history(found.key())).events()).hasSize(1);
                });
    }
}
