package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import licenseserver.license.Terms.Difference;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class TermsTest {
    private static final Terms PLAIN = Terms.of(3);
    private static final Terms FULL =
            new Terms(5, Instant.ofEpochMilli(1_719_000_000_000L), "pro", "{\"a\":1}", "notes", 30, 4);

    @Nested
    class Of {
        @Test
        void sets_nothing_but_the_number_of_machines() {
            assertThat(PLAIN).isEqualTo(new Terms(3, null, null, null, null, null, null));
        }
    }

    @Nested
    class DifferencesTo {
        @Test
        void are_none_to_the_same() {
            assertThat(PLAIN.differencesTo(Terms.of(3))).isEmpty();
            assertThat(FULL.differencesTo(FULL)).isEmpty();
        }

        @Test
        void are_each_term_that_differs_as_it_reads_in_json() {
            assertThat(PLAIN.differencesTo(FULL))
                    .containsExactly(
                            new Difference("maxMachines", "3", "5"),
                            new Difference("expiresAt", null, "1719000000000"),
                            new Difference("product", null, "pro"),
                            new Difference("metadata", null, "{\"a\":1}"),
                            new Difference("notes", null, "notes"),
                            new Difference("idleDays", null, "30"),
                            new Difference("newMachinesPer30Days", null, "4"));
        }

        @Test
        void turn_round() {
            assertThat(FULL.differencesTo(PLAIN))
                    .containsExactlyElementsOf(PLAIN.differencesTo(FULL).stream()
                            .map(difference -> new Difference(difference.term(), difference.to(), difference.from()))
                            .toList());
        }

        @Test
        void tell_zero_from_unset() {
            assertThat(new Terms(3, null, null, null, null, 0, 0).differencesTo(PLAIN))
                    .containsExactly(
                            new Difference("idleDays", "0", null), new Difference("newMachinesPer30Days", "0", null));
        }
    }
}
