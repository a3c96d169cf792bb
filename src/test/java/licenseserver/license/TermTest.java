package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class TermTest {
    private static final Terms ALL_SET = new Terms(5, Instant.ofEpochMilli(7), "product", "{}", "notes", 8, 9);

    @Test
    void describes_each_component_of_terms_in_their_order() {
        assertThat(Term.ALL)
                .extracting(Term::field)
                .containsExactlyElementsOf(Arrays.stream(Terms.class.getRecordComponents())
                        .map(RecordComponent::getName)
                        .toList());
    }

    @Test
    void reads_the_component_that_it_is_named_after() throws ReflectiveOperationException {
        for (RecordComponent component : Terms.class.getRecordComponents()) {
            Term term = Objects.requireNonNull(Term.named(component.getName()));

            assertThat(term.value().apply(ALL_SET))
                    .isEqualTo(component.getAccessor().invoke(ALL_SET));
        }
    }

    @Test
    void makes_terms_of_the_values_that_it_reads() {
        assertThat(Terms.of(term -> term.value().apply(ALL_SET))).isEqualTo(ALL_SET);
    }

    @Test
    void is_found_by_its_field_only() {
        assertThat(Term.named("maxMachines")).isEqualTo(Term.MAX_MACHINES);
        assertThat(Term.named("MAX_MACHINES")).isNull();
        assertThat(Term.named("validForDays")).isNull();
    }
}
