package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import licenseserver.license.Event;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import licenseserver.license.LicenseKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What servers have stored since the first version, byte for byte: read as what it is, and written back as it was. A change that
 * fails here needs a way for old and new servers to work on one Redis.
 */
class StoredFormatsTest {
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");

    private static final String PLAIN = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"ada@example.com\","
            + "\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":false,\"machines\":[]}";

    private static final String FULL = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"Ada@Example.com\","
            + "\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":true,\"machines\":["
            + "{\"machineId\":\"laptop\",\"activatedAt\":1719000000001},"
            + "{\"machineId\":\"a \\\"b\\\" \\\\ é\",\"activatedAt\":1719000000002,\"label\":\"Ada’s laptop\","
            + "\"lastSeenAt\":1719003600000,\"os\":\"linux\"}],"
            + "\"disabledReason\":\"refunded\",\"expiresAt\":1750536000000,\"product\":\"Studio\","
            + "\"metadata\":{\"order\" : 4711, \"price\":1.0},\"notes\":\"two\\nlines\",\"idleDays\":60,"
            + "\"newMachinesPer30Days\":10,"
            + "\"newMachines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000001}],"
            + "\"plan\":{\"later\":[true,null]}}";

    private static final String ROTATED = PLAIN.replace("K7FH-WP3A-M9QZ-B2CD", "AAAA-BBBB-CCCC-DDDD");
    private static final String MOVED = PLAIN.replace("ada@example.com", "new@example.com");

    private static final String REGISTERED = "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\","
            + "\"to\":\"ada@example.com\",\"hash\":\"1S2-4xg4CvlexAX3hm46ww\"}";
    private static final String ACTIVATED = "{\"n\":2,\"at\":1719000000001,\"what\":\"activated\",\"by\":\"client\","
            + "\"subject\":\"laptop\",\"to\":\"Ada’s laptop\",\"hash\":\"YhSiQjp-eDkOOSqcklmbOw\"}";
    private static final String UPDATED = "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\","
            + "\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\",\"hash\":\"4C0N4DYJLPBc8WglmQ96Eg\"}";

    private static String quoted(String json) {
        return "\"" + json.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }

    @ParameterizedTest
    @ValueSource(strings = {PLAIN, FULL})
    void of_a_license(String record) {
        var stored = StoredLicense.decode(KEY, Optional.of(record));

        assertThat(stored).isInstanceOf(StoredLicense.Settled.class);
        assertThat(LicenseJson.encode(stored.visible().orElseThrow())).isEqualTo(record);
    }

    @Test
    void of_moves() {
        String removal = "{\"moving\":" + quoted(PLAIN) + ",\"events\":[]}";
        String rotation = "{\"moving\":" + quoted(PLAIN) + ",\"to\":" + quoted(ROTATED) + ",\"events\":["
                + quoted(REGISTERED) + "]}";
        String arrived =
                "{\"moving\":" + quoted(FULL) + ",\"to\":" + quoted(ROTATED) + ",\"arrived\":true,\"events\":[]}";
        String address = "{\"moving\":" + quoted(PLAIN) + ",\"to\":" + quoted(MOVED) + ",\"events\":[]}";
        for (String note : List.of(removal, rotation, arrived, address)) {
            var moving = (StoredLicense.Moving) StoredLicense.decode(KEY, Optional.of(note));

            assertThat(moving.encode()).isEqualTo(note);
            assertThat(moving.leavesItsKey()).isEqualTo(!note.equals(address));
            assertThat(moving.hasArrived()).isEqualTo(note.equals(arrived));
        }
    }

    @Test
    void of_what_is_left_of_a_license() {
        assertThat(StoredLicense.GONE).isEqualTo("{\"gone\":true}");
        assertThat(StoredLicense.decode(KEY, Optional.of("{\"gone\":true}"))).isEqualTo(new StoredLicense.Gone());
    }

    @Test
    void of_a_history() {
        var labelled = new Event(
                Instant.ofEpochMilli(1_719_000_000_001L), What.ACTIVATED, Actor.CLIENT, "laptop", null, "Ada’s laptop");
        var updated =
                new Event(Instant.ofEpochMilli(1_719_000_000_002L), What.UPDATED, Actor.ADMIN, "maxMachines", "3", "5");

        assertThat(EventJson.encode(labelled, REGISTERED)).isEqualTo(ACTIVATED);
        assertThat(EventJson.encode(updated, ACTIVATED)).isEqualTo(UPDATED);
        assertThat(EventJson.history(List.of(REGISTERED, ACTIVATED, UPDATED)))
                .isEqualTo(new History(true, List.of(REGISTERED, ACTIVATED, UPDATED)));
    }

    @Test
    void of_signs_of_life() {
        Instant now = Instant.ofEpochMilli(1_719_003_659_999L);

        assertThat(Sign.of(KEY, "laptop", now)).isEqualTo(new Sign(KEY, 4518033785263031059L, 28_650_060));
        assertThat(Sign.of(KEY, "", now)).isEqualTo(new Sign(KEY, 5627194300713089401L, 28_650_060));
        assertThat(Sign.of(KEY, "Ada’s \uD83D\uDCBB", now)).isEqualTo(new Sign(KEY, -5407885297909418416L, 28_650_060));
        assertThat(Sign.time(28_650_060)).isEqualTo(Instant.ofEpochMilli(1_719_003_600_000L));
    }

    @Test
    void of_names() {
        assertThat(RedisKeys.record(KEY)).isEqualTo("license:K7FH-WP3A-M9QZ-B2CD");
        assertThat(RedisKeys.history(KEY)).isEqualTo("events:{license:K7FH-WP3A-M9QZ-B2CD}");
        assertThat(RedisKeys.signs(KEY)).isEqualTo("seen:{license:K7FH-WP3A-M9QZ-B2CD}");
        assertThat(RecentEvents.STREAM).isEqualTo("recent-events");
    }
}
