package licenseserver.store;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Function;
import java.util.stream.Collectors;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Term;
import licenseserver.memory.Weight;
import org.jspecify.annotations.Nullable;

/**
 * Keeps licenses that were read lately in memory, until Redis tells the {@link ChangeFeed} that they have changed. A
 * license in it can be out of date for as long as that message takes, so only a "yes" may be answered from it.
 *
 * <p>Three rules keep out what is out of date. First, a reader takes a {@link Ticket} before it reads; a change of
 * that license in the meantime makes the ticket void, and what was read is not kept. Second, if the feed breaks,
 * everything read before is void as soon as that is known, and nothing is kept until the feed works again. Third,
 * nothing is used for longer than {@value #MAX_AGE_SECONDS} seconds.
 *
 * <p>The whole process has one; it can be used from any thread.
 */
public final class NearCache {
    static final int MAX_AGE_SECONDS = 60;

    /**
     * A license without machines and texts: the entry of the cache (112), {@link Remembered} (32), the license with
     * its terms, key and times (152), its lists and the map of its machines (104).
     */
    private static final int LICENSE_BYTES = 400;

    /** A machine without its texts: its record, two instants, and its places in a list and a map. */
    private static final int MACHINE_BYTES = 32 + 2 * Weight.INSTANT + 24;

    private static final int STRIPES = 4096;
    private static final int NOT_FED = -1;

    /**
     * A license as it was read.
     *
     * @param machines the active machines by id
     * @param feed which state of the feed it was read in
     * @param readAt when it was read, in epoch milliseconds
     */
    public record Remembered(License license, Map<String, Machine> machines, int feed, long readAt) {}

    /** Permission to keep a license that is read from now on, until it changes. */
    record Ticket(int feed, int news) {}

    private final boolean on;
    private final long staleMillis;
    private final InstantSource clock;
    private final Cache<LicenseKey, Remembered> licenses;
    private final AtomicIntegerArray news = new AtomicIntegerArray(STRIPES);
    private final AtomicInteger feeds = new AtomicInteger();
    private volatile int feed = NOT_FED;
    private volatile boolean outage;

    private NearCache(boolean on, Duration staleness, InstantSource clock, long bytes) {
        this.on = on;
        this.staleMillis = staleness.toMillis();
        this.clock = clock;
        this.licenses = Caffeine.newBuilder()
                // Its upkeep is cheaper than waking a thread for it.
                .executor(Runnable::run)
                .maximumWeight(bytes)
                .weigher((LicenseKey key, Remembered remembered) -> weight(remembered.license()))
                .build();
    }

    /** Returns the bytes of heap that a license takes. */
    private static int weight(License license) {
        long bytes = LICENSE_BYTES
                + Weight.of(license.key().value())
                + Weight.of(license.email())
                + Weight.of(license.disabledReason())
                + Weight.of(license.unknownFields());
        for (Term term : Term.ALL) {
            if (term.value().apply(license.terms()) instanceof String text) {
                bytes += Weight.of(text);
            }
        }
        for (Machine machine : license.machines()) {
            bytes += weight(machine);
        }
        for (Machine machine : license.newMachines()) {
            bytes += weight(machine);
        }
        return (int) Math.min(bytes, Integer.MAX_VALUE);
    }

    private static long weight(Machine machine) {
        return MACHINE_BYTES
                + Weight.of(machine.machineId())
                + Weight.of(machine.label())
                + Weight.of(machine.unknownFields());
    }

    /** Makes a cache that keeps nothing. */
    public static NearCache off() {
        return new NearCache(false, Duration.ZERO, InstantSource.system(), 0);
    }

    /**
     * Makes a cache.
     *
     * @param staleness how old a license may be for {@link #beforeOutage} to return it; zero to return none
     * @param bytes how much of the heap it may take; beyond that, the licenses that are used least are dropped
     */
    public static NearCache on(Duration staleness, InstantSource clock, long bytes) {
        return new NearCache(true, staleness, clock, bytes);
    }

    /** Returns whether it keeps anything at all. */
    public boolean isOn() {
        return on;
    }

    /**
     * Returns a license that has not changed, as far as is known; null if Redis must be asked. If Redis is known not
     * to answer, returns the same as {@link #beforeOutage}, so that nobody waits for it.
     */
    public @Nullable Remembered now(LicenseKey key) {
        int now = feed;
        if (now == NOT_FED) {
            return outage ? beforeOutage(key) : null;
        }
        Remembered remembered = licenses.getIfPresent(key);
        return remembered != null && remembered.feed() == now && age(remembered) <= MAX_AGE_SECONDS * 1000L
                ? remembered
                : null;
    }

    /** Returns a license as it was last read, for use while Redis does not answer; null if that was too long ago. */
    public @Nullable Remembered beforeOutage(LicenseKey key) {
        Remembered remembered = staleMillis == 0 ? null : licenses.getIfPresent(key);
        return remembered != null && age(remembered) <= staleMillis ? remembered : null;
    }

    /** Sets whether Redis is known not to answer now. */
    public void outage(boolean isOutage) {
        outage = isOutage;
    }

    /**
     * Returns whether there are licenses that {@link #beforeOutage} may still return.
     *
     * @param sinceAnswer how long ago Redis answered for the last time
     */
    public boolean bridges(Duration sinceAnswer) {
        return sinceAnswer.toMillis() <= staleMillis && licenses.estimatedSize() > 0;
    }

    private long age(Remembered remembered) {
        return clock.millis() - remembered.readAt();
    }

    /** Returns a ticket, which a reader takes before it reads a license; null if nothing can be kept now. */
    @Nullable
    Ticket ticket(LicenseKey key) {
        // The feed is read first, so that a change in between counts as one before the ticket.
        int now = feed;
        return now == NOT_FED ? null : new Ticket(now, news.get(stripe(key)));
    }

    /** Keeps a license that was read with a ticket, unless the ticket is void by now. */
    void put(Ticket ticket, License license) {
        LicenseKey key = license.key();
        Remembered remembered = new Remembered(
                license,
                license.machines().stream()
                        .collect(Collectors.toUnmodifiableMap(
                                Machine::machineId, Function.identity(), (first, same) -> first)),
                ticket.feed(),
                clock.millis());
        // The check and the put are one step: a change after the check waits for it, and then removes what was put.
        licenses.asMap()
                .compute(
                        key,
                        (same, before) ->
                                ticket.feed() == feed && ticket.news() == news.get(stripe(key)) ? remembered : before);
    }

    /** Drops a license that this server or another one has changed. */
    void changed(LicenseKey key) {
        if (on) {
            news.incrementAndGet(stripe(key));
            licenses.asMap().remove(key);
        }
    }

    /** Drops all licenses, because any of them may have changed. */
    void allChanged() {
        feed = feed == NOT_FED ? NOT_FED : feeds.incrementAndGet();
        forgetUnlessForOutages();
    }

    /** Tells the cache that the feed reports all changes from now on. */
    void fed() {
        feed = feeds.incrementAndGet();
    }

    /** Tells the cache that the feed may miss changes from now on, until it works again. */
    void notFed() {
        feed = NOT_FED;
        forgetUnlessForOutages();
    }

    /** In an outage, licenses are still used that are void otherwise. */
    private void forgetUnlessForOutages() {
        if (staleMillis == 0) {
            licenses.invalidateAll();
        }
    }

    private static int stripe(LicenseKey key) {
        int hash = key.hashCode();
        return (hash ^ (hash >>> 16)) & (STRIPES - 1);
    }
}
