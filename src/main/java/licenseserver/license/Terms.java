package licenseserver.license;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What was sold: everything of a license that its seller sets and changes.
 *
 * @param maxMachines how many machines may be active at a time, 1 to {@value #MOST_MACHINES}
 * @param expiresAt from when on the license is good for nothing but deactivation; null for never
 * @param product what it was sold for; null where the seller does not say
 * @param metadata the seller's own data: the text of a JSON object; null for none
 * @param notes free text for the seller's people; null for none
 * @param idleDays after how many days unseen a machine gives its slot to a new one where all are taken; 0 for never, null for
 *     what the server does
 * @param newMachinesPer30Days how many machines that were not on it before may be activated within 30 days; 0 for any number,
 *     null for what the server does
 */
public record Terms(
        int maxMachines,
        @Nullable Instant expiresAt,
        @Nullable String product,
        @Nullable String metadata,
        @Nullable String notes,
        @Nullable Integer idleDays,
        @Nullable Integer newMachinesPer30Days) {

    /** The most machines that a license can allow; its record is read and written as a whole. */
    public static final int MOST_MACHINES = 10_000;

    /** Nothing but a number of machines. */
    public static Terms of(int maxMachines) {
        return new Terms(maxMachines, null, null, null, null, null, null);
    }

    /** One term that differs; from and to are as they read in JSON, null where unset. */
    record Difference(
            String term, @Nullable String from, @Nullable String to) {}

    List<Difference> differencesTo(Terms next) {
        var differences = new ArrayList<Difference>();
        add(differences, "maxMachines", maxMachines, next.maxMachines);
        add(differences, "expiresAt", millis(expiresAt), millis(next.expiresAt));
        add(differences, "product", product, next.product);
        add(differences, "metadata", metadata, next.metadata);
        add(differences, "notes", notes, next.notes);
        add(differences, "idleDays", idleDays, next.idleDays);
        add(differences, "newMachinesPer30Days", newMachinesPer30Days, next.newMachinesPer30Days);
        return differences;
    }

    private static void add(List<Difference> differences, String term, @Nullable Object from, @Nullable Object to) {
        if (!Objects.equals(from, to)) {
            differences.add(new Difference(term, text(from), text(to)));
        }
    }

    private static @Nullable Long millis(@Nullable Instant instant) {
        return instant == null ? null : instant.toEpochMilli();
    }

    private static @Nullable String text(@Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
