package licenseserver.event;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import licenseserver.license.Event;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;

/**
 * Says that a license may have changed.
 *
 * @param key the key that it had then; it may have another one by now, or be deleted
 * @param json the event as the history has it; null if there is no event to tell, as for the old key after a rotation
 * @param mayBeRepeated whether subscribers may have been told already
 */
public record Happened(LicenseKey key, @Nullable String json, boolean mayBeRepeated) {
    private static final Pattern PLAIN = Pattern.compile("[A-Z0-9-]*");

    /** The event; empty if there is none, or if only a newer server understands it. */
    public Optional<Event> event() {
        if (json == null) {
            return Optional.empty();
        }
        try {
            var fields = new JsonObject(json);
            return Optional.of(new Event(
                    Instant.ofEpochMilli(fields.getLong("at")),
                    Event.What.valueOf(fields.getString("what").toUpperCase(Locale.ROOT)),
                    Event.Actor.valueOf(fields.getString("by").toUpperCase(Locale.ROOT)),
                    fields.getString("subject"),
                    fields.getString("from"),
                    fields.getString("to")));
        } catch (DecodeException | IllegalArgumentException | ClassCastException | NullPointerException e) {
            return Optional.empty();
        }
    }

    /** The text that the outbox holds: a JSON object with the key and, if there is one, the event. */
    String encode() {
        String start = start(key);
        return json == null ? start + "}" : start + ",\"event\":" + json + "}";
    }

    private static String start(LicenseKey key) {
        // Ours need no escaping, and every change of a license comes by here.
        String text = PLAIN.matcher(key.value()).matches() ? '"' + key.value() + '"' : Json.encode(key.value());
        return "{\"key\":" + text;
    }

    /** Reads what {@link #encode} wrote; empty for any other text. */
    static Optional<Happened> decode(String text) {
        try {
            var fields = new JsonObject(text);
            String name = fields.getString("key");
            if (name == null) {
                return Optional.empty();
            }
            var key = new LicenseKey(name);
            if (!fields.containsKey("event")) {
                return Optional.of(new Happened(key, null, true));
            }
            // The event is kept as it was written, because its hash covers every byte.
            int start = start(key).length() + ",\"event\":".length();
            return Optional.of(new Happened(key, text.substring(start, text.length() - 1), true));
        } catch (DecodeException | ClassCastException | IndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }
}
