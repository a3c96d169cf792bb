package licenseserver.api;

import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.function.UnaryOperator;
import licenseserver.http.Fields;
import licenseserver.http.RefusedException;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;

/**
 * Reads the terms of a license from a request: a field that is absent leaves its term as it is, null clears it (a cleared
 * {@code maxMachines} is the server's default), and {@code validForDays} is another way to say {@code expiresAt}.
 */
final class TermsFields {
    static final Set<String> NAMES = Set.of(
            "maxMachines",
            "expiresAt",
            "validForDays",
            "product",
            "metadata",
            "notes",
            "idleDays",
            "newMachinesPer30Days");

    private static final int MAX_DAYS = 36_500;
    private static final int MAX_PRODUCT_LENGTH = 100;
    private static final int MAX_NOTES_LENGTH = 4000;
    private static final int MAX_METADATA_BYTES = 4096;

    /** In milliseconds the year 1973, in seconds 5138: who gives less has given seconds. */
    private static final long LEAST_MILLIS = 100_000_000_000L;

    /** The year 1973 in seconds; what is less was hardly meant as a time. */
    private static final long LEAST_SECONDS = 100_000_000L;

    /** The end of the year 9999. */
    private static final long MOST_MILLIS = 253_402_300_799_999L;

    private TermsFields() {}

    /**
     * What the fields make of terms; read at once, so that bad ones are refused before anything is looked up.
     *
     * @throws RefusedException with a sentence that names the field
     */
    static UnaryOperator<Terms> read(Fields fields, int defaultMaxMachines, Instant now) {
        Integer maxMachines = integer(fields, "maxMachines", 1, Terms.MOST_MACHINES);
        Instant expiresAt = expiry(fields, now);
        String product = fields.line("product", MAX_PRODUCT_LENGTH);
        String metadata = fields.object("metadata", MAX_METADATA_BYTES);
        String notes = fields.prose("notes", MAX_NOTES_LENGTH);
        Integer idleDays = integer(fields, "idleDays", 0, MAX_DAYS);
        Integer newMachines = integer(fields, "newMachinesPer30Days", 0, Terms.MOST_MACHINES);
        return terms -> new Terms(
                !fields.has("maxMachines")
                        ? terms.maxMachines()
                        : maxMachines == null ? defaultMaxMachines : maxMachines,
                fields.has("expiresAt") || fields.has("validForDays") ? expiresAt : terms.expiresAt(),
                fields.has("product") ? product : terms.product(),
                fields.has("metadata") ? metadata : terms.metadata(),
                fields.has("notes") ? notes : terms.notes(),
                fields.has("idleDays") ? idleDays : terms.idleDays(),
                fields.has("newMachinesPer30Days") ? newMachines : terms.newMachinesPer30Days());
    }

    private static @Nullable Instant expiry(Fields fields, Instant now) {
        if (fields.has("expiresAt") && fields.has("validForDays")) {
            throw Fields.refused("validForDays", "and expiresAt say the same; give one");
        }
        Long days = fields.integer("validForDays", 1, MAX_DAYS);
        if (days != null) {
            return Instant.ofEpochMilli(now.toEpochMilli()).plus(Duration.ofDays(days));
        }
        Long millis;
        try {
            millis = fields.integer("expiresAt", LEAST_SECONDS, MOST_MILLIS);
        } catch (RefusedException e) {
            throw Fields.refused("expiresAt", "must be a time in milliseconds since 1970, as a whole number");
        }
        if (millis != null && millis < LEAST_MILLIS) {
            throw Fields.refused("expiresAt", "must be a time in milliseconds since 1970, not in seconds");
        }
        return millis == null ? null : Instant.ofEpochMilli(millis);
    }

    private static @Nullable Integer integer(Fields fields, String name, int min, int max) {
        Long number = fields.integer(name, min, max);
        return number == null ? null : number.intValue();
    }
}
