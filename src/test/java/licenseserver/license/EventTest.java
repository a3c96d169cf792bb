package licenseserver.license;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class EventTest {
    @Nested
    class Values {
        @Test
        void may_have_200_characters() {
            Event event = event("x".repeat(200), "y".repeat(200));

            assertThat(event.from()).isEqualTo("x".repeat(200));
            assertThat(event.to()).isEqualTo("y".repeat(200));
        }

        @Test
        void are_cut_short_beyond() {
            Event event = event("x".repeat(201), "y".repeat(5000));

            assertThat(event.from()).isEqualTo("x".repeat(200) + "…");
            assertThat(event.to()).isEqualTo("y".repeat(200) + "…");
        }

        @Test
        void are_cut_between_characters_and_not_within_one() {
            String smiley = "\ud83d\ude00";

            assertThat(event(null, "x".repeat(199) + smiley).to()).isEqualTo("x".repeat(199) + "…");
            assertThat(event(null, smiley.repeat(101)).to()).isEqualTo(smiley.repeat(100) + "…");
        }

        @Test
        void may_be_none() {
            assertThat(event(null, null).from()).isNull();
        }
    }

    @Nested
    class Words {
        @Test
        void are_what_the_api_promises() {
            assertThat(What.values())
                    .extracting(What::word)
                    .containsExactly(
                            "registered",
                            "activated",
                            "deactivated",
                            "disabled",
                            "enabled",
                            "updated",
                            "email_changed",
                            "key_rotated",
                            "deleted");
            assertThat(Actor.values()).extracting(Actor::word).containsExactly("admin", "client", "policy");
            assertThat(Verdict.values())
                    .extracting(Verdict::word)
                    .containsExactly(
                            "ok",
                            "not_found",
                            "disabled",
                            "expired",
                            "not_activated",
                            "limit_exceeded",
                            "too_many_new_machines");
        }
    }

    private static Event event(@Nullable String from, @Nullable String to) {
        return new Event(Instant.EPOCH, What.UPDATED, Actor.ADMIN, "notes", from, to);
    }
}
