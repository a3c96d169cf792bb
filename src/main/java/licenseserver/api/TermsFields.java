package licenseserver.api;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import licenseserver.http.Fields;
import licenseserver.http.RefusedException;
import licenseserver.license.Term;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;

/**
 * Reads the terms of a license from a request. An absent field leaves its term as it is, and null clears it (a cleared
 * {@code maxMachines} is the server's default). {@code validForDays} is another way to set {@code expiresAt}.
 */
final class TermsFields {
    /** The names of all fields that are read. */
    static final Set<String> NAMES = Stream.concat(
                    Stream.of("validForDays"), Term.ALL.stream().map(Term::field))
            .collect(Collectors.toUnmodifiableSet());

    private TermsFields() {}

    /**
     * Returns the change that the fields ask for. They are read at once, so that bad ones are refused before anything
     * is looked up.
     *
     * @throws RefusedException with a sentence that names the field
     */
    static UnaryOperator<Terms> read(Fields fields, int defaultMaxMachines, Instant now) {
        var given = new HashMap<Term, @Nullable Object>();
        for (Term term : Term.ALL) {
            if (term.equals(Term.EXPIRES_AT) && fields.has("validForDays")) {
                given.put(term, inDays(fields, now));
            } else if (fields.has(term.field())) {
                Object value = value(fields, term);
                given.put(term, value == null && term.equals(Term.MAX_MACHINES) ? (Integer) defaultMaxMachines : value);
            }
        }
        return terms -> Terms.of(
                term -> given.containsKey(term) ? given.get(term) : term.value().apply(terms));
    }

    private static @Nullable Instant inDays(Fields fields, Instant now) {
        if (fields.has("expiresAt")) {
            throw Fields.refused("validForDays", "and expiresAt say the same; give one");
        }
        Long days = fields.integer("validForDays", 1, Terms.MOST_DAYS);
        return days == null ? null : Instant.ofEpochMilli(now.toEpochMilli()).plus(Duration.ofDays(days));
    }

    private static @Nullable Object value(Fields fields, Term term) {
        String name = term.field();
        int most = (int) Math.min(term.most(), Integer.MAX_VALUE);
        return switch (term.type()) {
            case NUMBER -> integer(fields.integer(name, term.least(), most));
            case TIME -> time(fields, term);
            case LINE -> fields.line(name, most);
            case PROSE -> fields.prose(name, most);
            case OBJECT -> fields.object(name, most);
        };
    }

    private static @Nullable Integer integer(@Nullable Long number) {
        return number == null ? null : number.intValue();
    }

    private static @Nullable Instant time(Fields fields, Term term) {
        Long millis;
        try {
            // Seconds are within these bounds, too, and get a refusal of their own.
            millis = fields.integer(term.field(), term.least() / 1000, term.most());
        } catch (RefusedException e) {
            throw Fields.refused(term.field(), "must be a time in milliseconds since 1970, as a whole number");
        }
        if (millis != null && millis < term.least()) {
            throw Fields.refused(term.field(), "must be a time in milliseconds since 1970, not in seconds");
        }
        return millis == null ? null : Instant.ofEpochMilli(millis);
    }
}
