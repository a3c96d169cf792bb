package licenseserver.store;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Term;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads the JSON text that is stored for a license: {@code key}, {@code email}, {@code createdAt}, {@code
 * maxMachines}, {@code disabled}, {@code machines}, in this order, with times in epoch milliseconds. Then come the
 * other fields that are set, and after them those that this version does not know, exactly as they were read.
 */
public final class LicenseJson {
    /** Metadata can contain numbers of any length, as requests can. */
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNumberLength(Integer.MAX_VALUE)
                    .build())
            .build();

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
            write(json, "machines", license.machines());
            write(json, "disabledReason", license.disabledReason());
            TermJson.write(json, license.terms());
            if (!license.newMachines().isEmpty()) {
                write(json, "newMachines", license.newMachines());
            }
            writeUnknownFields(json, license.unknownFields());
            json.writeEndObject();
        } catch (IOException impossible) {
            throw new UncheckedIOException(impossible);
        }
        return text.toString();
    }

    private static void write(JsonGenerator json, String name, List<Machine> machines) throws IOException {
        json.writeArrayFieldStart(name);
        for (Machine machine : machines) {
            json.writeStartObject();
            json.writeStringField("machineId", machine.machineId());
            write(json, "activatedAt", machine.activatedAt());
            write(json, "label", machine.label());
            write(json, "lastSeenAt", machine.lastSeenAt());
            writeUnknownFields(json, machine.unknownFields());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void write(JsonGenerator json, String name, @Nullable Instant value) throws IOException {
        if (value != null) {
            json.writeNumberField(name, value.toEpochMilli());
        }
    }

    private static void write(JsonGenerator json, String name, @Nullable String value) throws IOException {
        if (value != null) {
            json.writeStringField(name, value);
        }
    }

    private static void writeUnknownFields(JsonGenerator json, String fields) throws IOException {
        if (!fields.isEmpty()) {
            json.writeRaw(',');
            json.writeRaw(fields);
        }
    }

    /**
     * Reads the license that is stored under a key. The license has that key even if its field {@code key} names
     * another, because it must be written back to the same place.
     *
     * @throws UnreadableLicenseException if the text is not a license; the message names a field, never a value
     */
    static License decode(LicenseKey key, String text) {
        License license = decode(text);
        return license.key().equals(key) ? license : license.withKey(key);
    }

    /**
     * Reads a license. {@code key}, {@code email}, {@code createdAt} and {@code maxMachines} are required; all other
     * fields can be absent or null. {@code disabled} can also be the text {@code "true"}, which people have written
     * with the command-line tools of other stores. It is not known what they meant by any other text, so that is
     * refused.
     *
     * @throws UnreadableLicenseException if the text is not a license; the message names a field, never a value
     */
    public static License decode(String text) {
        License plain = PlainLicense.read(text);
        return plain == null ? parse(text) : plain;
    }

    /** Does the same as {@link #decode}, for any text and always with a JSON parser. */
    static License parse(String text) {
        try (JsonParser json = FACTORY.createParser(text)) {
            require(json.nextToken() == JsonToken.START_OBJECT, "it is not a JSON object");
            String key = null;
            String email = null;
            Instant createdAt = null;
            boolean disabled = false;
            String disabledReason = null;
            List<Machine> machines = List.of();
            List<Machine> newMachines = List.of();
            var terms = new HashMap<Term, @Nullable Object>();
            var unknown = new UnknownFields(text);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                switch (json.currentName()) {
                    case "key" -> key = string(json, "key");
                    case "email" -> email = string(json, "email");
                    case "createdAt" -> createdAt = instant(json, "createdAt");
                    case "maxMachines" ->
                        terms.put(Term.MAX_MACHINES, (int) integer(json, "maxMachines", Integer.MAX_VALUE));
                    case "disabled" -> disabled = bool(json, "disabled");
                    case "machines" -> machines = machines(json, text);
                    case "disabledReason" -> disabledReason = optionalString(json, "disabledReason");
                    case "newMachines" -> newMachines = machines(json, text);
                    default -> {
                        Term term = Term.named(json.currentName());
                        if (term == null) {
                            unknown.skip(json);
                        } else {
                            terms.put(term, term(json, term, text));
                        }
                    }
                }
            }
            require(terms.containsKey(Term.MAX_MACHINES), "maxMachines is missing");
            require(json.nextToken() == null, "text follows it");
            return new License(
                    new LicenseKey(present(key, "key")),
                    present(email, "email"),
                    present(createdAt, "createdAt"),
                    Terms.of(terms::get),
                    disabled,
                    disabledReason,
                    machines,
                    newMachines,
                    unknown.toString());
        } catch (IOException e) {
            throw new UnreadableLicenseException("it is not valid JSON");
        }
    }

    private static @Nullable Object term(JsonParser json, Term term, String text) throws IOException {
        return switch (term.type()) {
            case NUMBER -> optionalInteger(json, term.field());
            case TIME -> optionalInstant(json, term.field());
            case LINE, PROSE -> optionalString(json, term.field());
            case OBJECT -> optionalObject(json, text, term.field());
        };
    }

    private static List<Machine> machines(JsonParser json, String text) throws IOException {
        if (json.nextToken() == JsonToken.VALUE_NULL) {
            return List.of();
        }
        require(json.currentToken() == JsonToken.START_ARRAY, "machines is not an array");
        var machines = new ArrayList<Machine>();
        while (json.nextToken() == JsonToken.START_OBJECT) {
            String machineId = null;
            Instant activatedAt = null;
            String label = null;
            Instant lastSeenAt = null;
            var unknown = new UnknownFields(text);
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                switch (json.currentName()) {
                    case "machineId" -> machineId = string(json, "machineId");
                    case "activatedAt" -> activatedAt = instant(json, "activatedAt");
                    case "label" -> label = optionalString(json, "label");
                    case "lastSeenAt" -> lastSeenAt = optionalInstant(json, "lastSeenAt");
                    default -> unknown.skip(json);
                }
            }
            machines.add(new Machine(
                    present(machineId, "machineId"),
                    present(activatedAt, "activatedAt"),
                    label,
                    lastSeenAt,
                    unknown.toString()));
        }
        require(json.currentToken() == JsonToken.END_ARRAY, "machines holds something else than objects");
        return machines;
    }

    private static String string(JsonParser json, String name) throws IOException {
        require(json.nextToken() == JsonToken.VALUE_STRING, name + " is not a string");
        return json.getText();
    }

    private static @Nullable String optionalString(JsonParser json, String name) throws IOException {
        JsonToken token = json.nextToken();
        require(token == JsonToken.VALUE_NULL || token == JsonToken.VALUE_STRING, name + " is not a string");
        return token == JsonToken.VALUE_NULL ? null : json.getText();
    }

    private static @Nullable String optionalObject(JsonParser json, String text, String name) throws IOException {
        JsonToken token = json.nextToken();
        if (token == JsonToken.VALUE_NULL) {
            return null;
        }
        require(token == JsonToken.START_OBJECT, name + " is not an object");
        int start = (int) json.currentTokenLocation().getCharOffset();
        json.skipChildren();
        return text.substring(start, (int) json.currentLocation().getCharOffset());
    }

    private static @Nullable Instant optionalInstant(JsonParser json, String name) throws IOException {
        JsonToken token = json.nextToken();
        return token == JsonToken.VALUE_NULL ? null : Instant.ofEpochMilli(currentInteger(json, name, Long.MAX_VALUE));
    }

    private static @Nullable Integer optionalInteger(JsonParser json, String name) throws IOException {
        JsonToken token = json.nextToken();
        return token == JsonToken.VALUE_NULL ? null : (Integer) (int) currentInteger(json, name, Integer.MAX_VALUE);
    }

    private static boolean bool(JsonParser json, String name) throws IOException {
        JsonToken token = json.nextToken();
        boolean isTrueAsText = token == JsonToken.VALUE_STRING && json.getText().equals("true");
        require(token == JsonToken.VALUE_NULL || token.isBoolean() || isTrueAsText, name + " is not a boolean");
        return token == JsonToken.VALUE_TRUE || isTrueAsText;
    }

    private static Instant instant(JsonParser json, String name) throws IOException {
        return Instant.ofEpochMilli(integer(json, name, Long.MAX_VALUE));
    }

    private static long integer(JsonParser json, String name, long max) throws IOException {
        json.nextToken();
        return currentInteger(json, name, max);
    }

    private static long currentInteger(JsonParser json, String name, long max) throws IOException {
        boolean integer = json.currentToken() == JsonToken.VALUE_NUMBER_INT
                && json.getNumberType() != JsonParser.NumberType.BIG_INTEGER
                && json.getLongValue() >= 0
                && json.getLongValue() <= max;
        require(integer, name + " is not an integer from 0 to " + max);
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

    /** Collects members of an object exactly as they were read. */
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
