package licenseserver.store;

import io.vertx.core.json.DecodeException;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Optional;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;

/**
 * What can lie under a license's key: a license, or for a moment the note of a move that is under way, or what is left of a
 * license that is gone.
 *
 * <p>A license that gets another key or e-mail, or is removed, concerns keys of Redis that no one step can change. So the
 * first step notes at the license what is to become of it, and the others can be taken by anyone who finds that note,
 * whether the server that wrote it is slow or dead.
 */
sealed interface StoredLicense {
    /** There is nothing. */
    record Absent() implements StoredLicense {}

    /** A license, and nothing under way. */
    record Settled(License license) implements StoredLicense {}

    /** There was a license; it has moved or was removed. Stays long enough that no call begun before can bring it back. */
    record Gone() implements StoredLicense {}

    /**
     * The license is moving.
     *
     * @param from as it is
     * @param to as it will be; null where it will not be
     * @param events what its history will say of it
     * @param hasArrived whether it lies under its new key already, where it lives on by itself: what is left to do is to clear up
     *     under the old one
     */
    record Moving(License from, @Nullable License to, List<String> events, boolean hasArrived)
            implements StoredLicense {
        public Moving {
            events = List.copyOf(events);
        }

        Moving(License from, @Nullable License to, List<String> events) {
            this(from, to, events, false);
        }

        Moving arrived() {
            return new Moving(from, to, events, true);
        }

        /** The same move of the license with this key: what stays under its key stays under this one. */
        Moving under(LicenseKey key) {
            return new Moving(
                    from.withKey(key), to == null || leavesItsKey() ? to : to.withKey(key), events, hasArrived);
        }

        /** Whether its key is good for nothing from now on. */
        boolean leavesItsKey() {
            return to == null || !to.key().equals(from.key());
        }

        String encode() {
            var json = new JsonObject().put("moving", LicenseJson.encode(from));
            if (to != null) {
                json.put("to", LicenseJson.encode(to));
            }
            if (hasArrived) {
                json.put("arrived", true);
            }
            return json.put("events", new JsonArray(events)).encode();
        }
    }

    /** What is written for {@link Gone}. */
    String GONE = "{\"gone\":true}";

    /**
     * Reads the record under a key, which is the key of the license in it, see {@link LicenseJson#decode(LicenseKey, String)}.
     *
     * @throws UnreadableLicenseException if it is none of these
     */
    static StoredLicense decode(LicenseKey key, Optional<String> record) {
        if (record.isEmpty()) {
            return new Absent();
        }
        String text = record.get();
        try {
            if (text.equals(GONE)) {
                return new Gone();
            }
            if (text.startsWith("{\"moving\":")) {
                var json = new JsonObject(text);
                String from = json.getString("moving");
                String to = json.getString("to");
                JsonArray events = json.getJsonArray("events");
                if (from == null || events == null) {
                    throw new UnreadableLicenseException("it is not the note of a move");
                }
                var moving = new Moving(
                        LicenseJson.decode(from),
                        to == null ? null : LicenseJson.decode(to),
                        events.stream().map(String.class::cast).toList(),
                        json.getBoolean("arrived", false));
                return moving.under(key);
            }
            return new Settled(LicenseJson.decode(key, text));
        } catch (UnreadableLicenseException e) {
            throw new UnreadableLicenseException(key, e.problem(), text);
        } catch (DecodeException | ClassCastException e) {
            throw new UnreadableLicenseException(key, "it is not valid JSON", text);
        }
    }

    /** The license that calls see. */
    default Optional<License> visible() {
        if (this instanceof Settled settled) {
            return Optional.of(settled.license());
        }
        return this instanceof Moving moving && !moving.leavesItsKey() ? Optional.of(moving.from()) : Optional.empty();
    }
}
