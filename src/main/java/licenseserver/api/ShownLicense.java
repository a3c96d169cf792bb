package licenseserver.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import licenseserver.license.License;
import licenseserver.license.Machine;
import licenseserver.store.TermJson;

/**
 * Writes the JSON object of a license that its seller sees, for example in {@code /license-info}. It is independent of
 * the stored record ({@link licenseserver.store.LicenseJson}): a field can be in only one of the two.
 */
final class ShownLicense {
    private static final JsonFactory FACTORY = new JsonFactory();

    private ShownLicense() {}

    /**
     * Returns a license as one line of JSON. Unset fields are left out. Stored fields that this version does not know
     * are shown exactly as they were read.
     */
    static String encode(License license) {
        var text = new StringWriter(256);
        try (JsonGenerator json = FACTORY.createGenerator(text)) {
            json.writeStartObject();
            json.writeStringField("key", license.key().value());
            json.writeStringField("email", license.email());
            json.writeNumberField("createdAt", license.createdAt().toEpochMilli());
            json.writeNumberField("maxMachines", license.maxMachines());
            json.writeBooleanField("disabled", license.disabled());
            write(json, "machines", license.machines());
            if (license.disabledReason() != null) {
                json.writeStringField("disabledReason", license.disabledReason());
            }
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
            json.writeNumberField("activatedAt", machine.activatedAt().toEpochMilli());
            if (machine.label() != null) {
                json.writeStringField("label", machine.label());
            }
            if (machine.lastSeenAt() != null) {
                json.writeNumberField("lastSeenAt", machine.lastSeenAt().toEpochMilli());
            }
            writeUnknownFields(json, machine.unknownFields());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void writeUnknownFields(JsonGenerator json, String fields) throws IOException {
        if (!fields.isEmpty()) {
            json.writeRaw(',');
            json.writeRaw(fields);
        }
    }
}
