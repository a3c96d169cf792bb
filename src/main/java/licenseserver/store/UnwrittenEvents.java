package licenseserver.store;

import java.util.ArrayList;
import java.util.List;
import licenseserver.license.LicenseKey;

/**
 * Events that are stored with their licenses and wait to be written to the {@link RecentEvents}, in the order in which they
 * happened. All stores of a process share it, and one of them at a time writes, so that this order is kept.
 */
public final class UnwrittenEvents {
    private static final int MAX_WAITING = 1000;

    /** An event of the license with this key. */
    record Unwritten(LicenseKey key, String event) {}

    private List<Unwritten> waiting = new ArrayList<>();
    private boolean hasWriter;

    /**
     * Adds events of one license; drops those that are too many.
     *
     * @return whether the caller is to write what waits from now on, until {@link #take} gives it nothing
     */
    synchronized boolean add(LicenseKey key, List<String> events) {
        for (String event : events) {
            if (waiting.size() < MAX_WAITING) {
                waiting.add(new Unwritten(key, event));
            }
        }
        boolean needsWriter = !hasWriter && !waiting.isEmpty();
        hasWriter |= needsWriter;
        return needsWriter;
    }

    /** Takes all that waits. If that is nothing, the next who adds an event writes. */
    synchronized List<Unwritten> take() {
        List<Unwritten> taken = waiting;
        waiting = new ArrayList<>();
        hasWriter = !taken.isEmpty();
        return taken;
    }

    synchronized void forget(LicenseKey key) {
        waiting.removeIf(event -> event.key().equals(key));
    }

    synchronized void rename(LicenseKey from, LicenseKey to) {
        waiting.replaceAll(event -> event.key().equals(from) ? new Unwritten(to, event.event()) : event);
    }
}
