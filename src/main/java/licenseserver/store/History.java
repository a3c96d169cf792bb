package licenseserver.store;

import java.util.List;

/**
 * The history of a license.
 *
 * @param isWhole whether the events are unchanged and complete, as far as they have not been dropped
 * @param events the events, oldest first, each a JSON object as {@code /license-history} shows it; the oldest are
 *     dropped if there are too many
 */
public record History(boolean isWhole, List<String> events) {
    public History {
        events = List.copyOf(events);
    }
}
