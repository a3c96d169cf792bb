package licenseserver.store;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import licenseserver.license.Event;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads the JSON text of an event in a history. Its fields are, in this order:
 *
 * <ul>
 *   <li>{@code n} (its number), {@code at}, {@code what}, {@code by}, and {@code subject}, {@code from} and {@code to}
 *       if they are set;
 *   <li>if the server has a secret: {@code after} (the {@code hash} of the previous event), {@code secretId}, and
 *       {@code hmac}, which signs all fields before it. Nobody without the secret can write such an event;
 *   <li>{@code hash}, a hash of all other fields and of the hash of the previous event. Anyone can compute it. Earlier
 *       versions check nothing else, so they take a history with signed events as whole.
 * </ul>
 *
 * <p>Only one thread at a time may use it.
 */
final class EventJson {
    /** SHA-256 has 32 bytes; 16 are enough that nobody finds another event with the same hash. */
    private static final int HASH_BYTES = 16;

    /** During a rolling upgrade, servers that do not sign add events after signed ones. None takes longer than that. */
    private static final long LONGEST_UPGRADE = Duration.ofDays(7).toMillis();

    private final @Nullable HistorySecret current;

    /** All secrets by their ids. */
    private final Map<String, HistorySecret> known = new HashMap<>();

    EventJson(HistorySettings settings) {
        know(settings.previousSecret());
        current = know(settings.secret());
    }

    private @Nullable HistorySecret know(@Nullable String text) {
        if (text == null) {
            return null;
        }
        var secret = new HistorySecret(text);
        known.put(secret.id(), secret);
        return secret;
    }

    /**
     * Writes an event.
     *
     * @param previous the JSON of the event before it; null for the first event
     */
    String encode(Event event, @Nullable String previous) {
        JsonObject before = read(previous);
        String hashBefore = hash(before);
        var json = new JsonObject()
                .put("n", number(before) + 1)
                .put("at", event.at().toEpochMilli())
                .put("what", event.what().word())
                .put("by", event.by().word());
        putIfAny(json, "subject", event.subject());
        putIfAny(json, "from", event.from());
        putIfAny(json, "to", event.to());
        String text;
        if (current == null) {
            text = json.encode();
        } else {
            String signed =
                    json.put("after", hashBefore).put("secretId", current.id()).encode();
            text = append(signed, "hmac", current.sign(signed));
        }
        return append(text, "hash", hash(text, hashBefore));
    }

    /** Appends a field to a JSON object that is not empty. The value must need no escaping. */
    private static String append(String json, String name, String value) {
        return json.substring(0, json.length() - 1) + ",\"" + name + "\":\"" + value + "\"}";
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
        return event.getValue("n") instanceof Number number ? Math.max(number.longValue(), 0) : 0;
    }

    /** An event without a time counts as one of the far future, so that leaving it out gains nothing. */
    private static long time(JsonObject event) {
        return event.getValue("at") instanceof Number time ? time.longValue() : Long.MAX_VALUE;
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
     *
     * <p>If the first event is not number 1, older ones have been dropped, so it may follow any hash.
     */
    History history(List<String> stored) {
        var events = new ArrayList<String>();
        boolean isWhole = true;
        int unverified = 0;
        long firstSigned = Long.MAX_VALUE;
        long numberBefore = 0;
        String hashBefore = "";
        for (String text : stored) {
            JsonObject event = read(text);
            long number = number(event);
            String hash = hash(event);
            event.remove("hash");
            boolean isOldestKept = events.isEmpty() && number > 1;
            isWhole &= isOldestKept || (number == numberBefore + 1 && hash.equals(hash(event.encode(), hashBefore)));
            HistorySecret secret = event.getValue("secretId") instanceof String id ? known.get(id) : null;
            if (secret == null) {
                unverified++;
                isWhole &= firstSigned == Long.MAX_VALUE || time(event) <= firstSigned + LONGEST_UPGRADE;
            } else {
                firstSigned = Math.min(firstSigned, time(event));
                isWhole &= (isOldestKept || hashBefore.equals(event.getValue("after"))) && isSigned(event, secret);
            }
            numberBefore = number > 0 ? number : numberBefore + 1;
            hashBefore = hash;
            events.add(number > 0 ? text : unreadable(numberBefore, text));
        }
        return new History(isWhole, known.isEmpty() ? OptionalInt.empty() : OptionalInt.of(unverified), events);
    }

    private static boolean isSigned(JsonObject event, HistorySecret secret) {
        Object hmac = event.remove("hmac");
        return secret.sign(event.encode()).equals(hmac);
    }

    private static String unreadable(long number, String text) {
        return new JsonObject().put("n", number).put("unreadable", text).encode();
    }

    private static String hash(String event, String hashBefore) {
        try {
            byte[] hash =
                    MessageDigest.getInstance("SHA-256").digest((hashBefore + event).getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, HASH_BYTES));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }
}
