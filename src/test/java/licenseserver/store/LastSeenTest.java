package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import licenseserver.Wait;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.memory.HeapShare;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LastSeenTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final Duration NEVER = Duration.ofDays(1);

    private static final long CHUNK = 16 * 1024;

    private final Vertx vertx = Vertx.vertx();
    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private final SeenLately lately = new SeenLately(100_000);
    private final HeapShare share = new HeapShare(1_000_000, "signs were dropped");
    private final LastSeen lastSeen = new LastSeen(vertx, licenses, lately, share, NEVER);
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
            note("one", NOW.plusSeconds(3599));
            note("three", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(writes()).isZero();
            assertThat(share.taken()).isZero();
        }

        @Test
        void of_all_machines_is_one_write() {
            note("one", NOW.plusSeconds(7200));
            note("two", NOW.plusSeconds(7300));

            await(lastSeen.write());

            assertThat(writes()).isEqualTo(1);
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(seenAt("two")).isEqualTo(NOW.plusSeconds(7260));
        }

        @Test
        void again_and_again_within_an_hour_is_one_write_of_the_first_time() {
            for (int i = 0; i < 100; i++) {
                note("one", NOW.plusSeconds(7200 + i));
                await(lastSeen.write());
            }

            assertThat(writes()).isEqualTo(1);
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
        }

        @Test
        void is_one_write_a_machine_and_hour() {
            for (int minute = 0; minute < 300; minute++) {
                note("one", NOW.plusSeconds(60L * minute));
                await(lastSeen.write());
            }

            assertThat(writes()).isEqualTo(4);
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(4 * 3600));
        }

        @Test
        void of_what_two_event_loops_saw_is_one_write() {
            var another = new LastSeen(vertx, licenses, lately, share, NEVER);
            note("one", NOW.plusSeconds(7200));
            another.note(KEY, machine("one"), NOW.plusSeconds(7201));

            await(lastSeen.write());
            await(another.write());

            assertThat(writes()).isEqualTo(1);
        }

        @Test
        void of_two_licenses_with_a_machine_of_the_same_id_is_one_of_each() {
            var other = new LicenseKey("OTHER");
            licenses.put("license:OTHER", LicenseJson.encode(license().withKey(other)));
            note("one", NOW.plusSeconds(7200));
            lastSeen.note(other, machine("one"), NOW.plusSeconds(7300));

            await(lastSeen.write());

            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(await(licenses.withSigns(license().withKey(other)))
                            .machine("one")
                            .orElseThrow()
                            .lastSeenAt())
                    .isEqualTo(NOW.plusSeconds(7260));
        }

        @Test
        void leaves_no_event() {
            List<String> events = await(licenses.history(KEY)).events();
            note("one", NOW.plusSeconds(7200));

            await(lastSeen.write());

            assertThat(await(licenses.history(KEY)).events()).isEqualTo(events);
        }

        @Test
        void is_dropped_if_its_share_of_the_heap_is_used_up_and_taken_the_next_time() {
            int count = 3_000;
            var other = new InMemoryLicenseStore();
            var small = new HeapShare(2 * CHUNK + 1, "signs were dropped");
            List<Machine> machines = IntStream.range(0, count)
                    .mapToObj(number -> new Machine("m".repeat(100) + number, NOW, null, null, ""))
                    .toList();
            var crowd = new License(
                    new LicenseKey("CROWD"), "a@b", NOW, Terms.of(count), false, null, machines, List.of(), "");
            other.put("license:CROWD", LicenseJson.encode(crowd));
            Promise<LastSeen> noted = Promise.promise();
            var taken = new AtomicLong();
            // In one turn of the event loop, so that nothing is written meanwhile.
            vertx.runOnContext(turn -> {
                var seen = new LastSeen(vertx, other, new SeenLately(1_000_000), small, NEVER);
                machines.forEach(machine -> seen.note(crowd.key(), machine, NOW.plusSeconds(7200)));
                taken.set(small.taken());
                noted.complete(seen);
            });
            LastSeen seen = await(noted.future());
            assertThat(taken).hasValue(2 * CHUNK);

            await(seen.writeAll(NEVER));

            // A sign takes 2 + 5 + 12 bytes.
            assertThat(seenOf(crowd, other)).isEqualTo(2 * (CHUNK / 19));
            assertThat(small.taken()).isZero();
            machines.forEach(machine -> seen.note(crowd.key(), machine, NOW.plusSeconds(7260)));
            await(seen.writeAll(NEVER));
            assertThat(seenOf(crowd, other)).isEqualTo(count);
        }

        private static long seenOf(License license, LicenseStore store) {
            return await(store.withSigns(license)).machines().stream()
                    .filter(machine -> machine.lastSeenAt() != null)
                    .count();
        }
    }

    @Nested
    class Write {
        @Test
        void comes_by_itself_each_time_the_pause_is_over() {
            var eager = new LastSeen(vertx, licenses, lately, share, Duration.ofMillis(1));
            Machine machine = machine("one");
            vertx.runOnContext(loop -> eager.note(KEY, machine, NOW.plusSeconds(7200)));

            Wait.until("it is written", () -> writes() == 1);
        }

        @Test
        void takes_any_number_of_licenses() {
            var other = new InMemoryLicenseStore();
            var seen = new LastSeen(
                    vertx, other, new SeenLately(10_000_000), new HeapShare(Long.MAX_VALUE, "none"), NEVER);
            int count = 20_000;
            License license = license();
            for (int i = 0; i < count; i++) {
                License next = license.withKey(new LicenseKey("KEY-" + i));
                other.put("license:KEY-" + i, LicenseJson.encode(next));
                seen.note(next.key(), machine("one"), NOW.plusSeconds(7200));
            }

            await(seen.writeAll(NEVER));

            for (int i = 0; i < count; i++) {
                assertThat(await(other.withSigns(license.withKey(new LicenseKey("KEY-" + i))))
                                .machine("one")
                                .orElseThrow()
                                .lastSeenAt())
                        .isEqualTo(NOW.plusSeconds(7200));
            }
        }

        @Test
        void comes_at_once_if_some_hundred_have_come() {
            Machine machine = machine("one");
            vertx.runOnContext(loop -> {
                for (int i = 0; i < 1_000; i++) {
                    lastSeen.note(new LicenseKey("KEY-" + i), machine, NOW.plusSeconds(7200));
                }
            });

            Wait.until("it is written", () -> writes() > 0);
        }

        @Test
        void of_all_at_the_end_waits_for_an_earlier_round_and_gives_its_room_back() {
            note("one", NOW.plusSeconds(7200));
            Future<?> earlier = lastSeen.write();
            note("two", NOW.plusSeconds(7200));

            await(lastSeen.writeAll(Duration.ofSeconds(10)));
            await(lastSeen.writeAll(Duration.ofSeconds(10)));

            assertThat(earlier.isComplete()).isTrue();
            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(seenAt("two")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(share.taken()).isZero();
        }

        @Test
        void that_fails_is_repeated_once() {
            note("one", NOW.plusSeconds(7200));
            licenses.unavailable(true);
            await(lastSeen.write());
            assertThat(share.taken()).isEqualTo(CHUNK);
            licenses.unavailable(false);

            await(lastSeen.write());

            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7200));
            assertThat(share.taken()).isZero();
        }

        @Test
        void that_fails_again_drops_the_signs_until_the_machines_are_seen_again() {
            note("one", NOW.plusSeconds(7200));
            licenses.unavailable(true);
            await(lastSeen.write());
            await(lastSeen.write());
            assertThat(share.taken()).isZero();
            licenses.unavailable(false);
            note("one", NOW.plusSeconds(7260));

            await(lastSeen.write());

            assertThat(seenAt("one")).isEqualTo(NOW.plusSeconds(7260));
        }
    }

    private void note(String machineId, Instant now) {
        license().machine(machineId).ifPresent(machine -> lastSeen.note(KEY, machine, now));
    }

    private Machine machine(String machineId) {
        return license().machine(machineId).orElseThrow();
    }

    private License license() {
        return await(licenses.find(KEY)).orElseThrow();
    }

    private Instant seenAt(String machineId) {
        return Objects.requireNonNull(await(licenses.withSigns(license()))
                .machine(machineId)
                .orElseThrow()
                .lastSeenAt());
    }

    private int writes() {
        return licenses.writes() - before;
    }
}
