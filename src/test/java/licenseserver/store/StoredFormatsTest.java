package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import licenseserver.license.Event;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;
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

    private static final String PREVIOUS_SECRET = "the secret of last year";
    private static final String SECRET = "the secret of this year";

    private static final List<String> SIGNED = List.of(
            "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\",\"to\":\"ada@example.com\","
                    + "\"after\":\"\",\"secretId\":\"e18ef028\",\"hmac\":\"aNYqYCjuTYJo3xwV0oAVzg\",\"hash\":\"qU4Q4MsGeXswGWxzyja-GQ\"}",
            "{\"n\":2,\"at\":1719000000001,\"what\":\"activated\",\"by\":\"client\",\"subject\":\"laptop\",\"to\":\"Ada’s laptop\","
                    + "\"after\":\"qU4Q4MsGeXswGWxzyja-GQ\",\"secretId\":\"e18ef028\",\"hmac\":\"eh1h7fGcNVkhB3HuoswlHA\",\"hash\":\"Ad6MLhYFwjJIgAXZsES1uw\"}",
            "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\","
                    + "\"after\":\"Ad6MLhYFwjJIgAXZsES1uw\",\"secretId\":\"e18ef028\",\"hmac\":\"ERVbo8CnmOZIML4sJ8s9_A\",\"hash\":\"6mhxXD86Yf9OXhzoIpNhbg\"}");

    private static final List<String> SIGNED_FROM_THE_THIRD_ON = List.of(
            REGISTERED,
            ACTIVATED,
            "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\","
                    + "\"after\":\"YhSiQjp-eDkOOSqcklmbOw\",\"secretId\":\"e18ef028\",\"hmac\":\"wPnTQtis8KDPAJhBLiXzQQ\",\"hash\":\"_VQGrikKMBJlRyhj4jA6SQ\"}");

    private static final List<String> SIGNED_WITH_ONE_IN_BETWEEN_THAT_IS_NOT = List.of(
            SIGNED.get(0),
            "{\"n\":2,\"at\":1719000000001,\"what\":\"activated\",\"by\":\"client\",\"subject\":\"laptop\",\"to\":\"Ada’s laptop\","
                    + "\"hash\":\"uuFv1zyoL4lWIyQ6KXLx1Q\"}",
            "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\","
                    + "\"after\":\"uuFv1zyoL4lWIyQ6KXLx1Q\",\"secretId\":\"e18ef028\",\"hmac\":\"8VO4PpjS3hV9Les6oLKm5A\",\"hash\":\"QQJoAbobmQNT7UXJOr_1ig\"}");

    private static final List<String> SIGNED_WITH_TWO_SECRETS = List.of(
            "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\",\"to\":\"ada@example.com\","
                    + "\"after\":\"\",\"secretId\":\"7cd19cc4\",\"hmac\":\"ZAZqomJno-77kQenh4Ucpw\",\"hash\":\"lxnULD_yigcYRZ6u_W4Ftw\"}",
            "{\"n\":2,\"at\":1719000000001,\"what\":\"activated\",\"by\":\"client\",\"subject\":\"laptop\",\"to\":\"Ada’s laptop\","
                    + "\"after\":\"lxnULD_yigcYRZ6u_W4Ftw\",\"secretId\":\"7cd19cc4\",\"hmac\":\"ioxulwP3PMFnqWp2ZonzQA\",\"hash\":\"5OSUi7Gq-ikBeOi7dzLgxQ\"}",
            "{\"n\":3,\"at\":1719000000002,\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\","
                    + "\"after\":\"5OSUi7Gq-ikBeOi7dzLgxQ\",\"secretId\":\"e18ef028\",\"hmac\":\"N6BndMoqVwcGOjq_xiGIZg\",\"hash\":\"e9C34A402HM4RGAZ1XktKw\"}");

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
        assertThat(written(null, null, null)).isEqualTo(List.of(REGISTERED, ACTIVATED, UPDATED));
        assertThat(server(null, null).history(List.of(REGISTERED, ACTIVATED, UPDATED)))
                .isEqualTo(new History(true, OptionalInt.empty(), List.of(REGISTERED, ACTIVATED, UPDATED)));
    }

    @Test
    void of_a_signed_history() {
        assertThat(written(SECRET, SECRET, SECRET)).isEqualTo(SIGNED);
        assertThat(server(SECRET, null).history(SIGNED)).isEqualTo(new History(true, OptionalInt.of(0), SIGNED));
        assertThat(server(null, null).history(SIGNED)).isEqualTo(new History(true, OptionalInt.empty(), SIGNED));
    }

    @Test
    void of_a_history_that_was_signed_later() {
        assertThat(written(null, null, SECRET)).isEqualTo(SIGNED_FROM_THE_THIRD_ON);
        assertThat(server(SECRET, null).history(SIGNED_FROM_THE_THIRD_ON))
                .isEqualTo(new History(true, OptionalInt.of(2), SIGNED_FROM_THE_THIRD_ON));
    }

    @Test
    void of_a_history_to_which_an_old_server_added_during_the_upgrade() {
        assertThat(written(SECRET, null, SECRET)).isEqualTo(SIGNED_WITH_ONE_IN_BETWEEN_THAT_IS_NOT);
        assertThat(server(SECRET, null).history(SIGNED_WITH_ONE_IN_BETWEEN_THAT_IS_NOT))
                .isEqualTo(new History(true, OptionalInt.of(1), SIGNED_WITH_ONE_IN_BETWEEN_THAT_IS_NOT));
    }

    @Test
    void of_a_history_that_was_signed_with_one_secret_after_another() {
        assertThat(written(PREVIOUS_SECRET, PREVIOUS_SECRET, SECRET)).isEqualTo(SIGNED_WITH_TWO_SECRETS);
        assertThat(server(SECRET, PREVIOUS_SECRET).history(SIGNED_WITH_TWO_SECRETS))
                .isEqualTo(new History(true, OptionalInt.of(0), SIGNED_WITH_TWO_SECRETS));
        assertThat(server(SECRET, null).history(SIGNED_WITH_TWO_SECRETS))
                .isEqualTo(new History(true, OptionalInt.of(2), SIGNED_WITH_TWO_SECRETS));
    }

    private static EventJson server(@Nullable String secret, @Nullable String previousSecret) {
        return new EventJson(new HistorySettings(200, secret, previousSecret));
    }

    /** Three events, each written by a server with this secret, or without one. */
    private static List<String> written(@Nullable String first, @Nullable String second, @Nullable String third) {
        var registered = new Event(
                Instant.ofEpochMilli(1_719_000_000_000L), What.REGISTERED, Actor.ADMIN, null, null, "ada@example.com");
        var activated = new Event(
                Instant.ofEpochMilli(1_719_000_000_001L), What.ACTIVATED, Actor.CLIENT, "laptop", null, "Ada’s laptop");
        var updated =
                new Event(Instant.ofEpochMilli(1_719_000_000_002L), What.UPDATED, Actor.ADMIN, "maxMachines", "3", "5");
        String one = server(first, null).encode(registered, null);
        String two = server(second, null).encode(activated, one);
        return List.of(one, two, server(third, null).encode(updated, two));
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
