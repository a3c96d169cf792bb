package licenseserver.store;

import java.util.List;
import java.util.OptionalInt;

/**
 * The history of a license.
 *
 * @param isWhole whether the events are unchanged and complete, as far as they have not been dropped and the server
 *     can tell; if false, someone has edited the history
 * @param unverified how many of the events are not signed with a secret that the server knows; empty if it knows none
 * @param events the events, oldest first, each a JSON object as {@code /license-history} shows it; the oldest are
 *     dropped if there are too many
 */
public record History(boolean isWhole, OptionalInt unverified, List<String> events) {
    public History {
        events = List.copyOf(events);
    }
}
