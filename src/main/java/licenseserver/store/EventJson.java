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
 * Writes and reads the JSON text of an event in a history: {@code n} (its number), {@code at}, {@code what}, {@code
 * by}, then {@code subject}, {@code from} and {@code to} if they are set, and at the end {@code hash}, a hash of these
 * fields and of the hash of the previous event. So anyone who changes, inserts or removes an event must rewrite all
 * later ones to hide that.
 */
final class EventJson {
    /** SHA-256 has 32 bytes; 16 are enough that nobody finds another event with the same hash. */
    private static final int HASH_BYTES = 16;

    private EventJson() {}

    /**
     * Writes an event.
     *
     * @param previous the JSON of the event before it; null for the first event
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

    /** Anything else counts as an empty event: a license must work even if someone has tampered with its history. */
    private static JsonObject read(@Nullable String event) {
        try {
            return event == null ? new JsonObject() : new JsonObject(event);
        } catch (DecodeException e) {
            return new JsonObject();
        }
    }

    /** Returns the number of the event, which is 1 or more; 0 if it has none. */
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
     * Makes a history of what is stored, oldest first. A text that is not an event becomes one with the next number
     * and the text in {@code unreadable}.
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
     * Returns whether these events, oldest first, are unchanged and complete. If the first one is not number 1, it is
     * trusted, because older events have been dropped.
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
