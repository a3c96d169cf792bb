package licenseserver.memory;

/**
 * How the heap is divided, in percent of its maximum size ({@link Runtime#maxMemory()}). Everything that grows with
 * what clients do has a share and counts the bytes that it holds. If a share is used up, its owner drops or refuses
 * something by a rule of its own, and the server goes on. A new capability takes its share from {@link #RESERVE}.
 *
 * <p>Measured by {@code MemoryIT} with {@code -Xmx64m -XX:+UseSerialGC}, of which 61.9 MB are usable: if all shares
 * are full at once, 27 to 33 MB are in use after a garbage collection, and the process has at most 191 MB resident. An
 * idle connection takes 4,300 bytes, one with a part of a head 4,800, and one with a request under way 7,400.
 */
public enum HeapBudget {
    /**
     * Open connections, with the heads of their requests and what is queued. If it is used up, idle ones are closed.
     */
    CONNECTIONS(20),

    /** Bodies of requests that are arriving or being answered. If it is used up, requests get 503. */
    REQUEST_BODIES(5),

    /** Licenses in the near cache. If it is used up, those that are used least are dropped. */
    NEAR_CACHE(15),

    /**
     * Signs of life of machines: half of it for those that wait to be written, which are dropped and counted if it is
     * used up; and half to remember which machines were seen within the hour, of which the oldest are forgotten.
     */
    SIGNS_OF_LIFE(5),

    /** Everything else: the program, connections to Redis, calls under way, and garbage until it is collected. */
    RESERVE(55);

    private final int percent;

    HeapBudget(int percent) {
        this.percent = percent;
    }

    /** Returns the share in percent of the heap. */
    int percent() {
        return percent;
    }

    /** Returns the share in bytes, for the heap of this process. */
    public long bytes() {
        return Runtime.getRuntime().maxMemory() / 100 * percent;
    }
}
