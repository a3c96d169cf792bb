package licenseserver.memory;

/**
 * The parts of the heap, in percent of the largest size it may have ({@link Runtime#maxMemory()}). Whatever grows with
 * what clients do has a share, weighs what it holds in bytes, and gives way by a rule of its own once the share is used
 * up; nothing fails. A new capability takes its share from {@link #RESERVE}.
 *
 * <p>Measured by {@code MemoryIT} with {@code -Xmx64m -XX:+UseSerialGC}, of which 61.9 MB are usable: with everything
 * full at once 27 to 33 MB are in use after a collection and at most 191 MB resident, the program's own share included. A
 * silent connection takes 4,300 bytes, one with a part of a head 4,800, one with a request under way 7,400.
 */
public enum HeapBudget {
    /** Open connections with the heads of their requests and what waits in them; past it, idle ones are closed. */
    CONNECTIONS(20),

    /** Bodies of requests that are arriving or being acted upon; past it, requests get 503. */
    REQUEST_BODIES(5),

    /** Licenses that the near cache remembers; past it, the least used are forgotten. */
    NEAR_CACHE(15),

    /** Signs of life of machines that wait to be written to Redis; past it, they are dropped and counted. */
    SIGNS_OF_LIFE(5),

    /** All the rest: the program, its connections to Redis, the calls under way, and garbage until it is collected. */
    RESERVE(55);

    private final int percent;

    HeapBudget(int percent) {
        this.percent = percent;
    }

    /** The share, in percent of the heap. */
    int percent() {
        return percent;
    }

    /** The share, in bytes, of the heap that this process has. */
    public long bytes() {
        return Runtime.getRuntime().maxMemory() / 100 * percent;
    }
}
