package licenseserver.store;

import java.util.ArrayList;
import java.util.List;
import licenseserver.license.LicenseKey;

/**
 * The events that wait to be added to the {@link RecentEvents}, in the order in which they happened. All stores of a
 * process share it, and only one of them writes at a time, so that the order stays.
 */
public final class UnwrittenEvents {
    private static final int MAX_WAITING = 1000;

    /** An event of the license with this key. */
    record Unwritten(LicenseKey key, String event) {}

    private List<Unwritten> waiting = new ArrayList<>();
    private boolean hasWriter;

    /**
     * Adds events of a license. If too many are waiting, they are dropped.
     *
     * @return whether the caller must write the waiting events from now on, until {@link #take} returns none
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

    /** Takes all waiting events. If there are none, the next caller that adds an event becomes the writer. */
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
