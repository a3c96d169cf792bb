package licenseserver.license;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A description of one component of {@link Terms}. The fields of requests, the history and JSON follow these
 * descriptions, and {@link Terms#of(Function)} makes terms of values.
 *
 * @param field the name in JSON and in requests, the same as that of the component
 * @param type which values there are
 * @param least the least that a request can set: a number, epoch milliseconds, or a length. The length of an object is
 *     in bytes, that of a text in characters. A stored value can be less.
 * @param most the most that a request can set, in the same unit. A stored value can be more.
 * @param value returns the value from terms; null if it is unset
 */
public record Term(String field, Type type, long least, long most, Function<Terms, @Nullable Object> value) {
    /** The type of a value. */
    public enum Type {
        /** An {@link Integer}, a number in JSON. */
        NUMBER,
        /** An {@link java.time.Instant}, epoch milliseconds in JSON. */
        TIME,
        /** A {@link String} without control characters. */
        LINE,
        /** Any {@link String}. */
        PROSE,
        /** A {@link String} with the text of a JSON object, which is written exactly as it was read. */
        OBJECT
    }

    /** How many machines may be active at a time. */
    public static final Term MAX_MACHINES =
            new Term("maxMachines", Type.NUMBER, 1, Terms.MOST_MACHINES, Terms::maxMachines);

    /**
     * When the license expires. The least is in 1973: anything less was meant in seconds. The most is the end of 9999.
     */
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
