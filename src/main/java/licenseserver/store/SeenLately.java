package licenseserver.store;

import java.util.concurrent.atomic.AtomicLongArray;
import licenseserver.license.Rules;

/**
 * Remembers which machines were seen within the last hour ({@link Rules#SEEN_GRAIN}), in eight bytes for each. If
 * there are more machines than it has room for, it forgets those that were seen the longest time ago.
 *
 * <p>A table without chains: a machine has eight places, which lie in one line of the processor's cache. A place holds
 * 48 bits of the machine's digest and the low 16 bits of the minute.
 *
 * <p>The whole process has one; it can be used from any thread. If two threads write the same place at the same time,
 * one of the machines is forgotten.
 */
public final class SeenLately {
    private static final int PLACES = 8;
    private static final int MOST_BUCKETS = 1 << 24;
    private static final int MINUTES = 0xFFFF;
    private static final int GRAIN = (int) Rules.SEEN_GRAIN.toMinutes();

    /** Older than any minute can be. */
    private static final int EMPTY = MINUTES + 1;

    private final AtomicLongArray places;
    private final int buckets;

    /**
     * Makes an empty table.
     *
     * @param bytes the most that it takes of the heap; it takes all of that at once, or down to half of it
     */
    public SeenLately(long bytes) {
        long most = Math.max(1, Math.min(MOST_BUCKETS, bytes / (PLACES * Long.BYTES)));
        buckets = Integer.highestOneBit((int) most);
        places = new AtomicLongArray(buckets * PLACES);
    }

    /**
     * Returns whether a machine was not seen within the last hour, as far as is remembered, and remembers that it is
     * seen now.
     *
     * @param machine the digest of the machine's license and id
     */
    boolean add(long machine, int minute) {
        int first = first(machine);
        int oldest = first;
        int oldestAge = -1;
        for (int place = first; place < first + PLACES; place++) {
            long there = places.getOpaque(place);
            int age = there == 0 ? EMPTY : (minute - (int) there) & MINUTES;
            if (isOf(machine, there)) {
                if (age < GRAIN) {
                    return false;
                }
                oldest = place;
                break;
            }
            if (age > oldestAge) {
                oldest = place;
                oldestAge = age;
            }
        }
        places.setOpaque(oldest, (machine & ~MINUTES) | (minute & MINUTES));
        return true;
    }

    /** Forgets that a machine was seen. */
    void remove(long machine) {
        int first = first(machine);
        for (int place = first; place < first + PLACES; place++) {
            if (isOf(machine, places.getOpaque(place))) {
                places.setOpaque(place, 0);
            }
        }
    }

    private int first(long machine) {
        return ((int) machine & (buckets - 1)) * PLACES;
    }

    private static boolean isOf(long machine, long there) {
        return ((machine ^ there) & ~MINUTES) == 0;
    }
}
