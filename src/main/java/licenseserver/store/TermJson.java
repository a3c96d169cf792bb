package licenseserver.store;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.time.Instant;
import licenseserver.license.Term;
import licenseserver.license.Terms;

/** Writes terms as fields of a JSON object. */
public final class TermJson {
    private TermJson() {}

    /**
     * Writes a field for each term that is set, except {@link Term#MAX_MACHINES}, which has another place in a
     * license.
     */
    public static void write(JsonGenerator json, Terms terms) throws IOException {
        for (Term term : Term.ALL) {
            Object value = term.value().apply(terms);
            if (value != null && !term.equals(Term.MAX_MACHINES)) {
                json.writeFieldName(term.field());
                switch (term.type()) {
                    case NUMBER -> json.writeNumber((Integer) value);
                    case TIME -> json.writeNumber(((Instant) value).toEpochMilli());
                    case LINE, PROSE -> json.writeString((String) value);
                    case OBJECT -> json.writeRawValue((String) value);
                }
            }
        }
    }
}
