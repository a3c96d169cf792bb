package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import licenseserver.Wait;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LastSeenTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final Duration NEVER = Duration.ofDays(1);

    private final Vertx vertx = Vertx.vertx();
    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private final LastSeen lastSeen = new LastSeen(vertx, licenses, NEVER);
    private int before;

    @BeforeEach
    void registerAndActivate() {
        var email = new Email("customer@example.com");
        await(licenses.register(email, () -> License.issue(KEY, email, NOW, Terms.of(3))));
        for (String machineId : List.of("one", "two")) {
            await(licenses.update(KEY, license -> Rules.activate(license, machineId, null, Policy.NONE, NOW)));
        }
        before = licenses.writes();
    }

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Nested
    class Note {
        @Test
        void writes_nothing_by_itself() {
            note("one", NOW.plusSeconds(7200));

            assertThat(writes()).isZero();
        }

        @Test
        void of_an_hour_after_the_last_sign_is_written() {
            note("one", NOW.plusSeconds(3600));
            note("two", NOW.plusSeconds(3599));

            await(lastSeen.write());

            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(3600));
            assertThat(license().machine("two").orElseThrow().lastSeenAt()).isNull();
        }

        @Test
        void that_is_no_news_does_not_even_ask_the_store() {
            int updates = licenses.updates();
            note("one", NOW.plusSeconds(3599));
            note("three", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(licenses.updates()).isEqualTo(updates);
        }

        @Test
        void of_all_machines_of_a_license_is_one_write() {
            note("one", NOW.plusSeconds(7200));
            note("two", NOW.plusSeconds(7300));

            await(lastSeen.write());

            assertThat(writes()).isEqualTo(1);
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(seenAt("two")).isEqualTo(NOW.plusSeconds(7300));
        }

        @Test
        void again_and_again_is_one_write_of_the_last_time() {
            for (int i = 0; i < 100; i++) {
                note("one", NOW.plusSeconds(7200 + i));
            }

            await(lastSeen.write());

            assertThat(writes()).isEqualTo(1);
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7299));
        }

        @Test
        void is_one_write_a_machine_and_hour() {
            for (int minute = 0; minute < 300; minute++) {
                note("one", NOW.plusSeconds(60L * minute));
                await(lastSeen.write());
            }

            assertThat(writes()).isEqualTo(4);
        }

        @Test
        void of_what_two_servers_saw_is_one_write() {
            var another = new LastSeen(vertx, licenses, NEVER);
            note("one", NOW.plusSeconds(7200));
            another.note(license(), "one", NOW.plusSeconds(7201));

            await(lastSeen.write());
            await(another.write());

            assertThat(writes()).isEqualTo(1);
        }

        @Test
        void of_a_machine_that_is_not_active_is_none() {
            note("three", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(writes()).isZero();
        }

        @Test
        void of_a_license_that_is_gone_is_none() {
            License license = license();
            note("one", NOW.plusSeconds(7200));
            await(licenses.update(KEY, given -> Rules.delete(given, NOW)));
            before = licenses.writes();

            await(lastSeen.write());
            lastSeen.note(license, "one", NOW.plusSeconds(7200));
            await(lastSeen.write());

            assertThat(writes()).isZero();
            assertThat(await(licenses.find(KEY))).isEmpty();
        }

        @Test
        void leaves_no_event() {
            List<String> events = await(licenses.history(KEY)).events();
            note("one", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(await(licenses.history(KEY)).events()).isEqualTo(events);
        }

        @Test
        void is_dropped_where_too_many_wait() {
            List<Machine> machines = IntStream.range(0, 100_001)
                    .mapToObj(number -> new Machine("m" + number, NOW, null, null, ""))
                    .toList();
            var crowd =
                    new License(new LicenseKey("CROWD"), "a@b", NOW, Terms.of(1), false, null, machines, List.of(), "");
            var other = new InMemoryLicenseStore();
            other.put("license:CROWD", LicenseJson.encode(crowd));
            var seen = new LastSeen(vertx, other, NEVER);
            // Found by walking through the machines: so each is asked for in a license of its own.
            for (Machine machine : machines) {
                seen.note(
                        new License(crowd.key(), "a@b", NOW, Terms.of(1), false, null, List.of(machine), List.of(), ""),
                        machine.machineId(),
                        NOW.plusSeconds(7200));
            }

            await(seen.write());

            assertThat(await(other.find(crowd.key())).orElseThrow().machines())
                    .filteredOn(machine -> machine.lastSeenAt() != null)
                    .hasSize(100_000);
        }
    }

    @Nested
    class Write {
        @Test
        void comes_by_itself_each_time_the_pause_is_over() {
            var eager = new LastSeen(vertx, licenses, Duration.ofMillis(1));
            License license = license();
            vertx.runOnContext(loop -> eager.note(license, "one", NOW.plusSeconds(7200)));

            Wait.until("it is written", () -> writes() == 1);
        }

        @Test
        void takes_any_number_of_licenses() {
            var other = new InMemoryLicenseStore();
            var seen = new LastSeen(vertx, other, NEVER);
            int count = 20_000;
            for (int i = 0; i < count; i++) {
                License license = license().withKey(new LicenseKey("KEY-" + i));
                other.put("license:KEY-" + i, LicenseJson.encode(license));
                seen.note(license, "one", NOW.plusSeconds(7200));
            }

            await(seen.write());

            assertThat(other.writes()).isEqualTo(count);
        }

        @Test
        void goes_on_after_a_license_that_cannot_be_written() {
            License license = license();
            licenses.put("license:BROKEN", "{}");
            lastSeen.note(license.withKey(new LicenseKey("BROKEN")), "one", NOW.plusSeconds(7200));
            note("one", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
        }
    }

    private void note(String machineId, Instant now) {
        lastSeen.note(license(), machineId, now);
    }

    private License license() {
        return await(licenses.find(KEY)).orElseThrow();
    }

    private Instant seenAt(String machineId) {
        return Objects.requireNonNull(license().machine(machineId).orElseThrow().lastSeenAt());
    }

    private int writes() {
        return licenses.writes() - before;
    }
}
