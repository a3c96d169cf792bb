package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import licenseserver.license.Answer;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Terms;
import licenseserver.license.Verdict;
import licenseserver.memory.HeapShare;
import licenseserver.redis.StoreUnavailableException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ValidationsTest {
    private static final Instant ACTIVATED = Instant.ofEpochMilli(1_719_000_000_000L);

    /** A sign of life at this time is news. */
    private static final Instant NOW = ACTIVATED.plus(Duration.ofHours(2));

    private static final Duration STALENESS = Duration.ofHours(1);
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final long ROOM = 1_000_000;

    private final Vertx vertx = Vertx.vertx();
    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private final HeapShare share = new HeapShare(ROOM, "signs were dropped");
    private final LastSeen lastSeen = new LastSeen(vertx, licenses, new SeenLately(1_000), share, Duration.ofDays(1));
    private Instant now = NOW;
    private final NearCache cache = NearCache.on(STALENESS, () -> now, ROOM);
    private Validations validations = new Validations(licenses, cache, lastSeen);

    @BeforeEach
    void feed() {
        cache.fed();
    }

    @AfterEach
    void close() {
        await(vertx.close());
    }

    private static License license(boolean disabled, @Nullable Instant expiresAt, String... machineIds) {
        return new License(
                KEY,
                "ada@example.com",
                ACTIVATED,
                new Terms(3, expiresAt, null, null, null, null, null),
                disabled,
                null,
                List.of(machineIds).stream()
                        .map(machineId -> new Machine(machineId, ACTIVATED, null, null, ""))
                        .toList(),
                List.of(),
                "");
    }

    private void stored(License license) {
        licenses.put("license:" + KEY.value(), LicenseJson.encode(license));
    }

    private void remembered(License license) {
        cache.put(Objects.requireNonNull(cache.ticket(KEY)), license);
    }

    private Future<Answer> validate() {
        return validations.validate(KEY, "laptop", now);
    }

    private boolean isSignNoted() {
        return share.taken() > 0;
    }

    /** What the store says, whether the cache is on and knows nothing, or is off. */
    @Nested
    class FromTheStore {
        @Test
        void is_yes_for_a_machine_that_is_active() {
            assertAnswered(license(false, null, "laptop"), Verdict.OK);
        }

        @Test
        void is_no_for_a_machine_that_is_not_active() {
            assertAnswered(license(false, null, "other"), Verdict.NOT_ACTIVATED);
        }

        @Test
        void is_no_for_a_license_that_is_disabled() {
            assertAnswered(license(true, null, "laptop"), Verdict.DISABLED);
        }

        @Test
        void is_no_for_a_license_that_has_expired() {
            assertAnswered(license(false, NOW, "laptop"), Verdict.EXPIRED);
        }

        @Test
        void is_no_for_a_license_that_is_unknown() {
            assertThat(await(validate())).isEqualTo(new Answer(Verdict.NOT_FOUND, null));
            assertThat(isSignNoted()).isFalse();
        }

        @Test
        void is_a_failure_while_it_cannot_answer() {
            licenses.unavailable(true);

            assertThatThrownBy(() -> await(validate())).isInstanceOf(StoreUnavailableException.class);
        }

        private void assertAnswered(License license, Verdict verdict) {
            stored(license);
            assertThat(await(validate())).isEqualTo(new Answer(verdict, license));
            assertThat(isSignNoted()).isEqualTo(verdict == Verdict.OK);

            validations = new Validations(licenses, NearCache.off(), lastSeen);
            assertThat(await(validate())).isEqualTo(new Answer(verdict, license));
            assertThat(licenses.finds()).isEqualTo(2);
        }
    }

    @Nested
    class FromTheCache {
        @Test
        void is_yes_at_once_and_without_a_read() {
            License license = license(false, null, "laptop");
            remembered(license);

            Future<Answer> answer = validate();

            assertThat(answer.succeeded()).isTrue();
            assertThat(answer.result()).isEqualTo(new Answer(Verdict.OK, license));
            assertThat(licenses.finds()).isZero();
            assertThat(isSignNoted()).isTrue();
        }

        @Test
        void is_never_no_for_a_machine_that_was_activated_since() {
            remembered(license(false, null, "other"));
            assertThatTheStoreIsAsked();
        }

        @Test
        void is_never_no_for_a_license_that_was_enabled_since() {
            remembered(license(true, null, "laptop"));
            assertThatTheStoreIsAsked();
        }

        @Test
        void is_never_no_for_a_license_that_was_extended_since() {
            remembered(license(false, NOW, "laptop"));
            assertThatTheStoreIsAsked();
        }

        private void assertThatTheStoreIsAsked() {
            License license = license(false, null, "laptop");
            stored(license);
            assertThat(await(validate())).isEqualTo(new Answer(Verdict.OK, license));
            assertThat(licenses.finds()).isEqualTo(1);
        }
    }

    /** Redis does not answer, which the feed of the cache may or may not have noticed. */
    @Nested
    class InAnOutage {
        private void begin() {
            cache.notFed();
            licenses.unavailable(true);
        }

        @Test
        void is_yes_by_what_was_last_read_as_long_as_that_is_not_too_old() {
            License license = license(false, null, "laptop");
            remembered(license);
            begin();

            now = NOW.plus(STALENESS);
            assertThat(await(validate())).isEqualTo(new Answer(Verdict.OK, license));
            assertThat(isSignNoted()).isTrue();
            now = NOW.plus(STALENESS).plusMillis(1);
            assertThatThrownBy(() -> await(validate())).isInstanceOf(StoreUnavailableException.class);
        }

        @Test
        void is_yes_without_a_read_once_the_outage_is_known() {
            remembered(license(false, null, "laptop"));
            begin();
            cache.outage(true);

            assertThat(validate().succeeded()).isTrue();
            assertThat(licenses.finds()).isZero();
        }

        @Test
        void is_never_no_by_what_was_last_read() {
            remembered(license(true, null, "laptop"));
            begin();

            assertThatThrownBy(() -> await(validate())).isInstanceOf(StoreUnavailableException.class);
            assertThat(isSignNoted()).isFalse();
        }

        @Test
        void is_a_failure_if_nothing_may_be_stale() {
            NearCache fresh = NearCache.on(Duration.ZERO, () -> now, ROOM);
            fresh.fed();
            fresh.put(Objects.requireNonNull(fresh.ticket(KEY)), license(false, null, "laptop"));
            fresh.notFed();
            licenses.unavailable(true);
            validations = new Validations(licenses, fresh, lastSeen);

            assertThatThrownBy(() -> await(validate())).isInstanceOf(StoreUnavailableException.class);
        }

        @Test
        void is_not_what_a_record_makes_that_cannot_be_read() {
            remembered(license(false, null, "laptop"));
            cache.notFed();
            licenses.put("license:" + KEY.value(), "{}");

            assertThatThrownBy(() -> await(validate())).isInstanceOf(UnreadableLicenseException.class);
        }
    }

    @Nested
    class NoteActivated {
        @Test
        void notes_a_machine_that_was_activated_again() {
            validations.noteActivated(new Answer(Verdict.OK, license(false, null, "laptop")), "laptop", NOW);

            assertThat(isSignNoted()).isTrue();
        }

        @Test
        void notes_no_machine_that_was_refused() {
            validations.noteActivated(new Answer(Verdict.EXPIRED, license(false, NOW, "laptop")), "laptop", NOW);
            validations.noteActivated(new Answer(Verdict.NOT_FOUND, null), "laptop", NOW);

            assertThat(isSignNoted()).isFalse();
        }
    }
}
