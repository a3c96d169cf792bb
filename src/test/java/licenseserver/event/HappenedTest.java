package licenseserver.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import licenseserver.license.Event;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import licenseserver.license.LicenseKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HappenedTest {
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final String UPDATED =
            "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"maxMachines\","
                    + "\"from\":\"3\",\"to\":\"5\",\"hash\":\"4C0N4DYJLPBc8WglmQ96Eg\"}";

    /** What servers have stored, byte for byte. */
    @Test
    void is_stored_as_the_key_and_the_event() {
        assertThat(new Happened(KEY, UPDATED, false).encode())
                .isEqualTo("{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"event\":" + UPDATED + "}");
        assertThat(new Happened(KEY, null, false).encode()).isEqualTo("{\"key\":\"K7FH-WP3A-M9QZ-B2CD\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"K7FH-WP3A-M9QZ-B2CD", "\"\\-é", ",\"event\":", ""})
    void is_read_as_it_was_written(String key) {
        for (String event : new String[] {UPDATED, null}) {
            var happened = new Happened(new LicenseKey(key), event, true);

            assertThat(Happened.decode(happened.encode())).contains(happened);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "[]", "{\"key\" : \"A\", \"event\":1}x", "{\"event\":\"\""})
    void is_not_read_from_other_text(String text) {
        assertThat(Happened.decode(text)).isEmpty();
    }

    @Test
    void tells_the_event() {
        assertThat(new Happened(KEY, UPDATED, false).event())
                .contains(new Event(
                        Instant.ofEpochMilli(1_719_000_000_002L), What.UPDATED, Actor.ADMIN, "maxMachines", "3", "5"));
    }

    @Test
    void tells_no_event_that_it_does_not_understand() {
        assertThat(new Happened(KEY, null, false).event()).isEmpty();
        assertThat(new Happened(KEY, UPDATED.replace("updated", "lent"), false).event())
                .isEmpty();
        assertThat(new Happened(KEY, UPDATED.replace("1719000000002", "\"soon\""), false).event())
                .isEmpty();
        assertThat(new Happened(KEY, "not JSON", false).event()).isEmpty();
    }
}
