package licenseserver.license;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A description of one of the {@link Terms}. Requests, the history and JSON are read and written by these descriptions; {@link
 * Terms#of(Function)} makes terms from values.
 *
 * @param field the name in JSON, which is that of the component of {@link Terms}
 * @param type what the value can be
 * @param least the least that a request can set: a number, epoch milliseconds, or a length in characters, of an object in
 *     bytes. Stored terms can have less.
 * @param most the most that a request can set, in the same unit. Stored terms can have more.
 * @param value returns the value from terms, of the type; null if it is unset
 */
public record Term(String field, Type type, long least, long most, Function<Terms, @Nullable Object> value) {
    /** What the value of a term can be. */
    public enum Type {
        /** An {@link Integer}, a number in JSON. */
        NUMBER,
        /** An {@link java.time.Instant}, epoch milliseconds in JSON. */
        TIME,
        /** A {@link String} without control characters. */
        LINE,
        /** Any {@link String}. */
        PROSE,
        /** A {@link String} with the text of a JSON object, which JSON holds to the letter. */
        OBJECT
    }

    /** How many machines may be active at a time. */
    public static final Term MAX_MACHINES =
            new Term("maxMachines", Type.NUMBER, 1, Terms.MOST_MACHINES, Terms::maxMachines);

    /** From the year 1973, which is 5138 if milliseconds are taken for seconds, to the end of the year 9999. */
    public static final Term EXPIRES_AT =
            new Term("expiresAt", Type.TIME, 100_000_000_000L, 253_402_300_799_999L, Terms::expiresAt);

    static final Term PRODUCT = new Term("product", Type.LINE, 1, 100, Terms::product);
    static final Term METADATA = new Term("metadata", Type.OBJECT, 2, 4096, Terms::metadata);
    static final Term NOTES = new Term("notes", Type.PROSE, 1, 4000, Terms::notes);
    static final Term IDLE_DAYS = new Term("idleDays", Type.NUMBER, 0, Terms.MOST_DAYS, Terms::idleDays);
    static final Term NEW_MACHINES_PER_30_DAYS =
            new Term("newMachinesPer30Days", Type.NUMBER, 0, Terms.MOST_MACHINES, Terms::newMachinesPer30Days);

    /** All terms, in the order of JSON and of the components of {@link Terms}. */
    public static final List<Term> ALL =
            List.of(MAX_MACHINES, EXPIRES_AT, PRODUCT, METADATA, NOTES, IDLE_DAYS, NEW_MACHINES_PER_30_DAYS);

    private static final Map<String, Term> BY_FIELD =
            ALL.stream().collect(Collectors.toUnmodifiableMap(Term::field, term -> term));

    /** Returns the term with this {@link #field}; null if there is none. */
    public static @Nullable Term named(String field) {
        return BY_FIELD.get(field);
    }
}
