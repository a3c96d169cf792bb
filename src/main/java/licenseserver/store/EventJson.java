package licenseserver.store;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import licenseserver.license.Event;
import org.jspecify.annotations.Nullable;

/**
 * An event as the JSON text that a history holds: its number, {@code at}, {@code what}, {@code by}, where there are such
 * {@code subject}, {@code from} and {@code to}, and last {@code hash}: over all before it and the hash of the event before.
 * So whoever changes, inserts or removes an event must write all later ones anew to hide it.
 */
final class EventJson {
    /** Of the 32 bytes of SHA-256; 16 keep anyone from finding another event with the same hash. */
    private static final int HASH_BYTES = 16;

    private EventJson() {}

    /**
     * Writes an event that follows another.
     *
     * @param previous the JSON of that one; null for the first
     */
    static String encode(Event event, @Nullable String previous) {
        JsonObject before = read(previous);
        var json = new JsonObject()
                .put("n", number(before) + 1)
                .put("at", event.at().toEpochMilli())
                .put("what", event.what().word())
                .put("by", event.by().word());
        putIfAny(json, "subject", event.subject());
        putIfAny(json, "from", event.from());
        putIfAny(json, "to", event.to());
        return json.put("hash", hash(json, hash(before))).encode();
    }

    /** What is no event counts as none: a history that was tampered with must not stop the license from working. */
    private static JsonObject read(@Nullable String event) {
        try {
            return event == null ? new JsonObject() : new JsonObject(event);
        } catch (DecodeException e) {
            return new JsonObject();
        }
    }

    /** The event's number, which is 1 or more; 0 where it has none. */
    private static long number(JsonObject event) {
        return event.getValue("n") instanceof Number number ? number.longValue() : 0;
    }

    private static String hash(JsonObject event) {
        return event.getValue("hash") instanceof String hash ? hash : "";
    }

    private static void putIfAny(JsonObject json, String name, @Nullable String value) {
        if (value != null) {
            json.put(name, value);
        }
    }

    /**
     * A history as it is stored, oldest first. What is no event stands in it as {@code unreadable}, with the number that is
     * its turn.
     */
    static History history(List<String> stored) {
        var events = new ArrayList<String>();
        long number = 0;
        for (String event : stored) {
            long given = number(read(event));
            number = given > 0 ? given : number + 1;
            events.add(
                    given > 0
                            ? event
                            : new JsonObject()
                                    .put("n", number)
                                    .put("unreadable", event)
                                    .encode());
        }
        return new History(isWhole(stored), events);
    }

    /**
     * Whether these events, oldest first, are what was written, in the order it was. The first is taken as given where it is
     * not number 1: those before it have been dropped.
     */
    static boolean isWhole(List<String> events) {
        String previousHash = "";
        long previousNumber = 0;
        for (int i = 0; i < events.size(); i++) {
            JsonObject json = read(events.get(i));
            long number = number(json);
            String hash = hash(json);
            json.remove("hash");
            boolean begins = i == 0 && number > 1;
            if (!begins && (number != previousNumber + 1 || !hash.equals(hash(json, previousHash)))) {
                return false;
            }
            previousNumber = number;
            previousHash = hash;
        }
        return true;
    }

    private static String hash(JsonObject event, String previousHash) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256")
                    .digest((previousHash + event.encode()).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, HASH_BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
