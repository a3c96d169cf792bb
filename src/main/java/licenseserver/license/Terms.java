package licenseserver.license;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What was sold: everything about a license that its seller sets and changes. {@link Term} describes each component
 * for the code that reads or writes terms.
 *
 * @param maxMachines how many machines may be active at a time, 1 to {@value #MOST_MACHINES}
 * @param expiresAt when the license expires: from then on, machines can only be deactivated; null for never
 * @param product what it was sold for; null if the seller does not say
 * @param metadata the seller's own data, as the text of a JSON object; null for none
 * @param notes free text for the seller's people; null for none
 * @param idleDays if all slots are taken, a new machine gets the slot of one that was not seen for this many days; 0
 *     for never, null for the {@link Policy} of the server
 * @param newMachinesPer30Days how many new machines may be activated within 30 days; 0 for any number, null for the
 *     {@link Policy} of the server
 */
public record Terms(
        int maxMachines,
        @Nullable Instant expiresAt,
        @Nullable String product,
        @Nullable String metadata,
        @Nullable String notes,
        @Nullable Integer idleDays,
        @Nullable Integer newMachinesPer30Days) {

    /**
     * The most machines that a license can allow. There is a limit because a record is read and written as a whole.
     */
    public static final int MOST_MACHINES = 10_000;

    /** The most days that a term can be set to: about a hundred years. */
    public static final int MOST_DAYS = 36_500;

    /** Makes terms with a number of machines and nothing else. */
    public static Terms of(int maxMachines) {
        return of(term -> term.equals(Term.MAX_MACHINES) ? maxMachines : null);
    }

    /**
     * Makes terms of values.
     *
     * @param values returns the value of each term, of its {@link Term.Type}; null if it is unset, which {@link
     *     Term#MAX_MACHINES} cannot be
     * @throws ClassCastException if a value has another type
     */
    public static Terms of(Function<Term, @Nullable Object> values) {
        return new Terms(
                (Integer) Objects.requireNonNull(values.apply(Term.MAX_MACHINES)),
                (Instant) values.apply(Term.EXPIRES_AT),
                (String) values.apply(Term.PRODUCT),
                (String) values.apply(Term.METADATA),
                (String) values.apply(Term.NOTES),
                (Integer) values.apply(Term.IDLE_DAYS),
                (Integer) values.apply(Term.NEW_MACHINES_PER_30_DAYS));
    }

    /** A term that differs. The two values read as in JSON, and are null if unset. */
    record Difference(
            String term, @Nullable String from, @Nullable String to) {}

    List<Difference> differencesTo(Terms next) {
        return Term.ALL.stream()
                .map(term -> new Difference(
                        term.field(),
                        text(term.value().apply(this)),
                        text(term.value().apply(next))))
                .filter(difference -> !Objects.equals(difference.from(), difference.to()))
                .toList();
    }

    private static @Nullable String text(@Nullable Object value) {
        if (value instanceof Instant time) {
            return String.valueOf(time.toEpochMilli());
        }
        return value == null ? null : value.toString();
    }
}
