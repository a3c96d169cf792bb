package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Terms;
import licenseserver.store.NearCache.Ticket;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NearCacheTest {
    private static final Instant BEGIN = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final long ROOM = 1_000_000;
    private static final LicenseKey KEY = LicenseKey.random(new SecureRandom());

    private Instant now = BEGIN;
    private final NearCache cache = NearCache.on(Duration.ZERO, () -> now, ROOM);

    private static License license(int maxMachines) {
        return License.issue(KEY, Email.of("ada@example.com"), BEGIN, Terms.of(maxMachines));
    }

    private static void read(NearCache cache, License license) {
        cache.put(ticket(cache), license);
    }

    private static Ticket ticket(NearCache cache) {
        return Objects.requireNonNull(cache.ticket(KEY));
    }

    private static @Nullable License now(NearCache cache) {
        var remembered = cache.now(KEY);
        return remembered == null ? null : remembered.license();
    }

    private static @Nullable License beforeOutage(NearCache cache) {
        var remembered = cache.beforeOutage(KEY);
        return remembered == null ? null : remembered.license();
    }

    @Test
    void remembers_what_was_read() {
        cache.fed();
        read(cache, license(3));

        assertThat(now(cache)).isEqualTo(license(3));
    }

    @Test
    void remembers_nothing_while_it_is_not_fed() {
        assertThat(cache.ticket(KEY)).isNull();
        cache.fed();
        Ticket ticket = ticket(cache);
        cache.notFed();
        cache.put(ticket, license(3));
        cache.fed();

        assertThat(now(cache)).isNull();
        cache.put(ticket, license(3));
        assertThat(now(cache)).isNull();
    }

    @Test
    void forgets_everything_when_its_feed_breaks() {
        cache.fed();
        read(cache, license(3));

        cache.notFed();
        assertThat(now(cache)).isNull();
        cache.fed();
        assertThat(now(cache)).isNull();
    }

    @Test
    void forgets_what_has_changed() {
        cache.fed();
        read(cache, license(3));
        cache.changed(KEY);
        assertThat(now(cache)).isNull();

        read(cache, license(4));
        cache.allChanged();
        assertThat(now(cache)).isNull();
    }

    @Test
    void does_not_keep_a_reply_that_news_have_overtaken() {
        cache.fed();
        Ticket before = ticket(cache);
        cache.changed(KEY);
        cache.put(before, license(3));
        assertThat(now(cache)).isNull();

        before = ticket(cache);
        cache.allChanged();
        cache.put(before, license(3));
        assertThat(now(cache)).isNull();
    }

    @Test
    void believes_nothing_for_longer_than_a_minute() {
        cache.fed();
        read(cache, license(3));

        now = BEGIN.plusSeconds(60);
        assertThat(now(cache)).isNotNull();
        now = BEGIN.plusSeconds(60).plusMillis(1);
        assertThat(now(cache)).isNull();
    }

    @Test
    void tells_of_the_time_before_an_outage_as_long_as_it_may() {
        NearCache longer = NearCache.on(Duration.ofHours(1), () -> now, ROOM);
        longer.fed();
        read(longer, license(3));
        longer.notFed();

        assertThat(now(longer)).isNull();
        now = BEGIN.plusSeconds(3600);
        assertThat(beforeOutage(longer)).isEqualTo(license(3));
        now = BEGIN.plusSeconds(3600).plusMillis(1);
        assertThat(beforeOutage(longer)).isNull();
    }

    @Test
    void tells_nothing_of_the_time_before_an_outage_where_that_is_not_wanted() {
        cache.fed();
        read(cache, license(3));

        assertThat(beforeOutage(cache)).isNull();
    }

    @Test
    void forgets_licenses_rather_than_take_more_than_its_share_of_the_heap() {
        cache.fed();
        var keys = new ArrayList<LicenseKey>();
        for (int i = 0; i < 2_000; i++) {
            License license = License.issue(
                    LicenseKey.random(new SecureRandom()),
                    Email.of("ada@example.com"),
                    BEGIN,
                    new Terms(3, null, "Studio", "{\"order\":4711}", "x".repeat(4_000), null, null));
            keys.add(license.key());
            cache.put(Objects.requireNonNull(cache.ticket(license.key())), license);
        }

        // A license with these notes takes some 5,000 bytes.
        assertThat(keys.stream().filter(key -> cache.now(key) != null)).hasSizeBetween(150, 220);
    }

    @Test
    void weighs_machines_by_their_texts() {
        cache.fed();
        var keys = new ArrayList<LicenseKey>();
        List<Machine> machines = IntStream.range(0, 10)
                .mapToObj(number -> new Machine(number + "m".repeat(200), BEGIN, "l".repeat(100), BEGIN, ""))
                .toList();
        for (int i = 0; i < 2_000; i++) {
            License license = new License(
                    LicenseKey.random(new SecureRandom()),
                    "ada@example.com",
                    BEGIN,
                    Terms.of(10),
                    false,
                    null,
                    machines,
                    List.of(),
                    "");
            keys.add(license.key());
            cache.put(Objects.requireNonNull(cache.ticket(license.key())), license);
        }

        // Each machine takes some 500 bytes.
        assertThat(keys.stream().filter(key -> cache.now(key) != null)).hasSizeBetween(150, 220);
    }

    @Test
    void remembers_nothing_when_it_is_off() {
        NearCache off = NearCache.off();
        assertThat(off.ticket(KEY)).isNull();
        assertThat(now(off)).isNull();
        assertThat(beforeOutage(off)).isNull();
    }

    /** A writer changes a value and then tells; readers read it and then put: what stays in the end is the last value. */
    @Test
    void never_keeps_what_was_outdated_when_it_was_put() throws Exception {
        cache.fed();
        var stored = new AtomicInteger();
        var threads = Executors.newFixedThreadPool(3);
        try {
            for (int round = 0; round < 300; round++) {
                List<Future<?>> racing = List.of(
                        threads.submit(() -> {
                            for (int i = 0; i < 50; i++) {
                                stored.incrementAndGet();
                                cache.changed(KEY);
                            }
                        }),
                        threads.submit(() -> readOften(stored)),
                        threads.submit(() -> readOften(stored)));
                for (Future<?> one : racing) {
                    one.get();
                }
                License left = now(cache);
                assertThat(left == null ? stored.get() : left.maxMachines()).isEqualTo(stored.get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void readOften(AtomicInteger stored) {
        for (int i = 0; i < 50; i++) {
            Ticket ticket = ticket(cache);
            cache.put(ticket, license(stored.get()));
        }
    }
}
