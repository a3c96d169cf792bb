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
import licenseserver.license.Terms;
import licenseserver.memory.Weight;
import org.jspecify.annotations.Nullable;

/**
 * Licenses that were read lately, kept in memory until Redis says that they have changed, which a {@link ChangeFeed} hears. What is
 * remembered may be late by the time that news take; so only a "yes" may be answered from it.
 *
 * <p>Three things keep what is outdated out. A reply that news have overtaken is not kept: who reads takes a {@link Ticket} first, and
 * news about that license in the meantime make it void. What was read before the feed broke counts for nothing as soon as that is
 * known, and nothing is kept before it is whole again. And nothing counts for longer than {@value #MAX_AGE_SECONDS} s.
 *
 * <p>One for the whole process; may be used from any thread.
 */
public final class NearCache {
    static final int MAX_AGE_SECONDS = 60;

    /**
     * A license without machines and texts: the cache's entry (112), what is {@link Remembered} (32), the license with
     * its terms, key and times (152), its lists and the map of its machines (104).
     */
    private static final int LICENSE_BYTES = 400;

    /** A machine without its texts: its record, two times, and its places in a list and a map. */
    private static final int MACHINE_BYTES = 32 + 2 * Weight.INSTANT + 24;

    private static final int STRIPES = 4096;
    private static final int NOT_FED = -1;

    /**
     * A license as it was read.
     *
     * @param machines its machines by their ids
     */
    public record Remembered(License license, Map<String, Machine> machines, int feed, long readAt) {}

    /** The right to remember what is read from now on, until news come about it. */
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

    /** What a license takes of the heap while it is remembered, in bytes. */
    private static int weight(License license) {
        Terms terms = license.terms();
        long bytes = LICENSE_BYTES
                + Weight.of(license.key().value())
                + Weight.of(license.email())
                + Weight.of(license.disabledReason())
                + Weight.of(license.unknownFields())
                + Weight.of(terms.product())
                + Weight.of(terms.metadata())
                + Weight.of(terms.notes());
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

    /** One that remembers nothing. */
    public static NearCache off() {
        return new NearCache(false, Duration.ZERO, InstantSource.system(), 0);
    }

    /**
     * One that remembers.
     *
     * @param staleness how old what was read may be to be told by {@link #beforeOutage}; zero for not at all
     * @param bytes how much of the heap it may take; beyond it, the licenses that are used least are forgotten
     */
    public static NearCache on(Duration staleness, InstantSource clock, long bytes) {
        return new NearCache(true, staleness, clock, bytes);
    }

    /** Whether it remembers anything, ever. */
    public boolean isOn() {
        return on;
    }

    /**
     * The license as it is, except for news that are on their way; during an outage as {@link #beforeOutage} has it, so
     * that nobody waits for a Redis that is known not to answer. Null if Redis must be asked.
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

    /** The license as it was when it was last read, for times in which Redis cannot be asked; null where that is too long ago. */
    public @Nullable Remembered beforeOutage(LicenseKey key) {
        Remembered remembered = staleMillis == 0 ? null : licenses.getIfPresent(key);
        return remembered != null && age(remembered) <= staleMillis ? remembered : null;
    }

    /** Takes note whether Redis is known not to answer now. */
    public void outage(boolean isOutage) {
        outage = isOutage;
    }

    /**
     * Whether anything is remembered that may still be told.
     *
     * @param sinceAnswer how long ago Redis answered for the last time
     */
    public boolean bridges(Duration sinceAnswer) {
        return sinceAnswer.toMillis() <= staleMillis && licenses.estimatedSize() > 0;
    }

    private long age(Remembered remembered) {
        return clock.millis() - remembered.readAt();
    }

    /** To be taken before a license is read; null where nothing can be remembered now. */
    @Nullable
    Ticket ticket(LicenseKey key) {
        // In this order: news that come in between are then counted in the ticket of a feed that was whole before.
        int now = feed;
        return now == NOT_FED ? null : new Ticket(now, news.get(stripe(key)));
    }

    /** Remembers what was read with a ticket, unless that is void by now. */
    void put(Ticket ticket, License license) {
        LicenseKey key = license.key();
        Remembered remembered = new Remembered(
                license,
                license.machines().stream()
                        .collect(Collectors.toUnmodifiableMap(
                                Machine::machineId, Function.identity(), (first, same) -> first)),
                ticket.feed(),
                clock.millis());
        // Looked at and put in one step: news that come after the look wait for it, and then remove what was put.
        licenses.asMap()
                .compute(
                        key,
                        (same, before) ->
                                ticket.feed() == feed && ticket.news() == news.get(stripe(key)) ? remembered : before);
    }

    /** Forgets a license that has changed, or that this server has just changed. */
    void changed(LicenseKey key) {
        if (on) {
            news.incrementAndGet(stripe(key));
            licenses.asMap().remove(key);
        }
    }

    /** Forgets all licenses: any may have changed. */
    void allChanged() {
        feed = feed == NOT_FED ? NOT_FED : feeds.incrementAndGet();
        forgetUnlessForOutages();
    }

    /** The feed brings all news from now on. */
    void fed() {
        feed = feeds.incrementAndGet();
    }

    /** News may be missing from now on, until the feed is whole again. */
    void notFed() {
        feed = NOT_FED;
        forgetUnlessForOutages();
    }

    /** What was read before counts for nothing any more, except in an outage. */
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
