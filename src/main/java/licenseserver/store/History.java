package licenseserver.store;

import java.util.List;

/**
 * What has happened to a license.
 *
 * @param isWhole whether the events are what was written, in the order it was
 * @param events each a JSON object as {@code /license-history} shows it, oldest first; those that were too many are gone
 */
public record History(boolean isWhole, List<String> events) {
    public History {
        events = List.copyOf(events);
    }
}
