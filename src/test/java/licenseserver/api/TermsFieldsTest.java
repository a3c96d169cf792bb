package licenseserver.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.buffer.Buffer;
import java.time.Instant;
import java.util.List;
import licenseserver.http.Fields;
import licenseserver.license.Term;
import licenseserver.license.Terms;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TermsFieldsTest {
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final Terms ALL_SET = new Terms(5, NOW, "Studio", "{\"a\":1}", "notes", 8, 9);
    private static final int DEFAULT = 3;

    static List<Term> terms() {
        return Term.ALL;
    }

    private static Terms change(String body) {
        return TermsFields.read(Fields.parse(Buffer.buffer(body)), DEFAULT, NOW).apply(ALL_SET);
    }

    @ParameterizedTest
    @MethodSource("terms")
    void set_a_term_and_keep_the_others(Term term) {
        String json = switch (term.type()) {
            case NUMBER -> "7";
            case TIME -> "1750000000000";
            case LINE, PROSE -> "\"text\"";
            case OBJECT -> "{}";
        };
        Object value = switch (term.type()) {
            case NUMBER -> 7;
            case TIME -> Instant.ofEpochMilli(1_750_000_000_000L);
            case LINE, PROSE -> "text";
            case OBJECT -> "{}";
        };

        assertChanged(term, change("{\"" + term.field() + "\":" + json + "}"), value);
    }

    @ParameterizedTest
    @MethodSource("terms")
    void clear_a_term_that_is_null_and_keep_the_others(Term term) {
        assertChanged(term, change("{\"" + term.field() + "\":null}"), term.equals(Term.MAX_MACHINES) ? DEFAULT : null);
    }

    @ParameterizedTest
    @MethodSource("terms")
    void name_each_term(Term term) {
        assertThat(TermsFields.NAMES).contains(term.field());
    }

    private static void assertChanged(Term term, Terms changed, @Nullable Object value) {
        assertThat(changed)
                .isEqualTo(Terms.of(
                        other -> other.equals(term) ? value : other.value().apply(ALL_SET)));
    }
}
