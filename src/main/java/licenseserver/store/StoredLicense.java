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
 * What can be stored under the key of a license: a license, for a moment the note of a move, or the mark of a license
 * that is gone.
 *
 * <p>A removal, or a change of the key or the e-mail, concerns several keys of Redis, which cannot be changed in one
 * step. So the first step writes a note in place of the license that says what will become of it. Any call that finds
 * the note can take the other steps, even if the server that wrote it is slow or dead.
 */
sealed interface StoredLicense {
    /** Nothing is stored. */
    record Absent() implements StoredLicense {}

    /** A license that is not moving. */
    record Settled(License license) implements StoredLicense {}

    /**
     * The mark of a license that has moved or was removed. It stays longer than any call takes, so that none can bring
     * it back.
     */
    record Gone() implements StoredLicense {}

    /**
     * The note of a license that is moving.
     *
     * @param from the license before the move
     * @param to the license after the move; null if it is removed
     * @param events what its history will say about the move
     * @param hasArrived whether it is stored under its new key already; then only the old key has to be cleaned up
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

        /**
         * Returns the same move for a license with this key. If the move does not change the key, {@code to} gets this
         * one, too.
         */
        Moving under(LicenseKey key) {
            return new Moving(
                    from.withKey(key), to == null || leavesItsKey() ? to : to.withKey(key), events, hasArrived);
        }

        /** Returns whether the key is unknown from now on. */
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

    /** The text that is stored for {@link Gone}. */
    String GONE = "{\"gone\":true}";

    /**
     * Reads the record under a key. Its license gets that key, see {@link LicenseJson#decode(LicenseKey, String)}.
     *
     * @throws UnreadableLicenseException if the text is none of these
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

    /** Returns the license that calls see; empty if there is none. */
    default Optional<License> visible() {
        if (this instanceof Settled settled) {
            return Optional.of(settled.license());
        }
        return this instanceof Moving moving && !moving.leavesItsKey() ? Optional.of(moving.from()) : Optional.empty();
    }
}
