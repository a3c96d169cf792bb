package licenseserver.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import org.jspecify.annotations.Nullable;

/**
 * A license as the JSON text that is stored, and shown by {@code /license-info}: {@code key}, {@code email}, {@code
 * createdAt}, {@code maxMachines}, {@code disabled}, {@code machines}, in this order, times in epoch milliseconds. Fields
 * that this version does not know follow, kept to the letter.
 */
public final class LicenseJson {
    private static final JsonFactory FACTORY = new JsonFactory();

    private LicenseJson() {}

    /** Writes a license as one line of JSON. */
    public static String encode(License license) {
        var text = new StringWriter(256);
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("key", license.key().value());
            json.writeStringField("email", license.email());
            json.writeNumberField("createdAt", license.createdAt().toEpochMilli());
            json.writeNumberField("maxMachines", license.maxMachines());
            json.writeBooleanField("disabled", license.disabled());
            json.writeArrayFieldStart("machines");
            for (Machine machine : license.machines()) {
                json.writeStartObject();
                json.writeStringField("machineId", machine.machineId());
                json.writeNumberField("activatedAt", machine.activatedAt().toEpochMilli());
                writeUnknownFields(json, machine.unknownFields());
                json.writeEndObject();
            }
            json.writeEndArray();
            writeUnknownFields(json, license.unknownFields());
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.toString();
    }

    private static void writeUnknownFields(JsonGenerator json, String fields) throws IOException {
        if (!fields.isEmpty()) {
            json.writeRaw(',');
            json.writeRaw(fields);
        }
    }

    /**
     * Reads a stored license. {@code disabled} and {@code machines} may be absent or null, for "no" and "none".
     *
     * @throws UnreadableLicenseException where the text is no license; it names the field, never a value
     */
    public static License decode(String text) {
        try (JsonParser json = FACTORY.createParser(text)) {
            require(json.nextToken() == JsonToken.START_OBJECT, "it is no JSON object");
            String key = null;
            String email = null;
            Instant createdAt = null;
            int maxMachines = -1;
            boolean disabled = false;
            List<Machine> machines = List.of();
            var unknown = new UnknownFields(text);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                switch (json.currentName()) {
                    case "key" -> key = string(json, "key");
                    case "email" -> email = string(json, "email");
                    case "createdAt" -> createdAt = instant(json, "createdAt");
                    case "maxMachines" -> maxMachines = (int) integer(json, "maxMachines", Integer.MAX_VALUE);
                    case "disabled" -> disabled = bool(json, "disabled");
                    case "machines" -> machines = machines(json, text);
                    default -> unknown.skip(json);
                }
            }
            require(maxMachines >= 0, "maxMachines is missing");
            require(json.nextToken() == null, "text follows it");
            return new License(
                    new LicenseKey(present(key, "key")),
                    present(email, "email"),
                    present(createdAt, "createdAt"),
                    maxMachines,
                    disabled,
                    machines,
                    unknown.toString());
        } catch (IOException e) {
            throw new UnreadableLicenseException("it is no valid JSON");
        }
    }

    private static List<Machine> machines(JsonParser json, String text) throws IOException {
        if (json.nextToken() == JsonToken.VALUE_NULL) {
            return List.of();
        }
        require(json.currentToken() == JsonToken.START_ARRAY, "machines is no array");
        var machines = new ArrayList<Machine>();
        while (json.nextToken() == JsonToken.START_OBJECT) {
            String machineId = null;
            Instant activatedAt = null;
            var unknown = new UnknownFields(text);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                switch (json.currentName()) {
                    case "machineId" -> machineId = string(json, "machineId");
                    case "activatedAt" -> activatedAt = instant(json, "activatedAt");
                    default -> unknown.skip(json);
                }
            }
            machines.add(new Machine(
                    present(machineId, "machineId"), present(activatedAt, "activatedAt"), unknown.toString()));
        }
        require(json.currentToken() == JsonToken.END_ARRAY, "machines holds something else than objects");
        return machines;
    }

    private static String string(JsonParser json, String name) throws IOException {
        require(json.nextToken() == JsonToken.VALUE_STRING, name + " is no string");
        return json.getText();
    }

    private static boolean bool(JsonParser json, String name) throws IOException {
        JsonToken token = json.nextToken();
        require(token == JsonToken.VALUE_NULL || token.isBoolean(), name + " is no boolean");
        return token == JsonToken.VALUE_TRUE;
    }

    private static Instant instant(JsonParser json, String name) throws IOException {
        return Instant.ofEpochMilli(integer(json, name, Long.MAX_VALUE));
    }

    private static long integer(JsonParser json, String name, long max) throws IOException {
        boolean integer = json.nextToken() == JsonToken.VALUE_NUMBER_INT
                && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                && json.getLongValue() >= 0
                && json.getLongValue() <= max;
        require(integer, name + " is no integer from 0 to " + max);
        return json.getLongValue();
    }

    private static <T> T present(@Nullable T value, String name) {
        if (value == null) {
            throw new UnreadableLicenseException(name + " is missing");
        }
        return value;
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new UnreadableLicenseException(otherwise);
        }
    }

    /** Collects members of one object as they stand in the text. */
    private static final class UnknownFields {
        private final String text;
        private @Nullable StringBuilder members;

        UnknownFields(String text) {
            this.text = text;
        }

        void skip(JsonParser json) throws IOException {
            int start = (int) json.currentTokenLocation().getCharOffset();
            json.nextToken();
            json.skipChildren();
            json.finishToken();
            int end = (int) json.currentLocation().getCharOffset();
            members = members == null ? new StringBuilder() : members.append(',');
            members.append(text, start, end);
        }

        @Override
        public String toString() {
            return members == null ? "" : members.toString();
        }
    }
}
