package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import licenseserver.license.Event;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What a server with a secret says of a history to which others have written, too. They can compute every hash. */
class SignedHistoryTest {
    private static final Instant TIME = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final Duration WEEK = Duration.ofDays(7);

    private static final EventJson SERVER = server("a secret of this test");
    private static final EventJson SERVER_WITH_ANOTHER_SECRET = server("another secret of this test");
    private static final EventJson SERVER_WITHOUT_A_SECRET = server(null);

    private final List<String> signed = added(List.of(), SERVER, TIME, 5);

    private static EventJson server(@Nullable String secret) {
        return new EventJson(new HistorySettings(200, secret, null));
    }

    /** Adds so many events of this time. */
    private static List<String> added(List<String> history, EventJson server, Instant at, int count) {
        var events = new ArrayList<>(history);
        for (int i = 0; i < count; i++) {
            var event = new Event(at, What.UPDATED, Actor.ADMIN, "maxMachines", "" + events.size(), "0");
            events.add(server.encode(event, events.isEmpty() ? null : events.get(events.size() - 1)));
        }
        return events;
    }

    private static void assertUnverified(List<String> history, int unverified) {
        assertThat(SERVER.history(history)).isEqualTo(new History(true, OptionalInt.of(unverified), history));
    }

    private static void assertEdited(List<String> history) {
        assertThat(SERVER.history(history).isWhole()).as("%s", history).isFalse();
        // It is the signature that shows it.
        assertThat(SERVER_WITHOUT_A_SECRET.history(history).isWhole()).isTrue();
    }

    /** Edits one event, and then writes anew every hash from there on. */
    private static List<String> edited(List<String> history, int index, Consumer<JsonObject> edit) {
        var events = new ArrayList<>(history);
        var event = new JsonObject(events.get(index));
        edit.accept(event);
        events.set(index, event.encode());
        return rehashed(events, index);
    }

    private static List<String> rehashed(List<String> history, int from) {
        var events = new ArrayList<>(history);
        for (int i = from; i < events.size(); i++) {
            var event = new JsonObject(events.get(i));
            event.remove("hash");
            String before = i == 0 ? "" : new JsonObject(events.get(i - 1)).getString("hash");
            events.set(i, event.put("hash", hash(before + event.encode())).encode());
        }
        return events;
    }

    private static String hash(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, 16));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void removeSignature(JsonObject event) {
        event.remove("after");
        event.remove("secretId");
        event.remove("hmac");
    }

    @Nested
    class IsEdited {
        @Test
        void if_a_field_of_a_signed_event_was_changed() {
            for (int i = 0; i < signed.size(); i++) {
                for (String field : List.of("at", "what", "by", "subject", "from", "to", "after", "hmac")) {
                    assertEdited(edited(
                            signed,
                            i,
                            event -> event.put(
                                    field,
                                    field.equals("at") ? event.getLong(field) + 1 : event.getString(field) + "x")));
                }
                assertEdited(edited(signed, i, event -> event.put("more", 1)));
                assertEdited(edited(signed, i, event -> event.remove("hmac")));
                assertEdited(edited(signed, i, event -> event.remove("after")));
            }
        }

        @Test
        void if_the_oldest_event_that_is_kept_was_changed() {
            List<String> kept = new ArrayList<>(signed.subList(2, 5));
            assertUnverified(kept, 0);

            // Its hash is believed, because the event before it is gone. So nothing else needs to be written anew.
            kept.set(0, new JsonObject(kept.get(0)).put("to", "9").encode());
            assertEdited(kept);
        }

        @Test
        void if_a_signed_event_was_removed_and_the_later_ones_were_numbered_anew() {
            for (int i = 0; i < signed.size() - 1; i++) {
                List<String> fewer = new ArrayList<>(signed);
                fewer.remove(i);
                for (int later = i; later < fewer.size(); later++) {
                    var event = new JsonObject(fewer.get(later));
                    fewer.set(later, event.put("n", later + 1).encode());
                }
                assertEdited(rehashed(fewer, i));
            }
        }

        @Test
        void if_a_signed_event_before_others_has_lost_its_signature() {
            for (int i = 0; i < signed.size() - 1; i++) {
                assertEdited(edited(signed, i, SignedHistoryTest::removeSignature));
            }
        }

        /** Once Redis was set back, there can be two signed events of the same number. */
        @Test
        void if_a_signed_event_was_replaced_by_one_that_was_signed_in_its_place_another_time() {
            for (int i = 0; i < signed.size() - 1; i++) {
                var mixed = new ArrayList<>(signed);
                List<String> other = added(signed.subList(0, i), SERVER, TIME.plusSeconds(1), 1);
                mixed.set(i, other.get(i));
                assertEdited(rehashed(mixed, i));
            }
        }

        @Test
        void if_an_event_that_nobody_signed_is_more_than_a_week_younger_than_a_signed_one_before_it() {
            Instant late = TIME.plus(WEEK).plusMillis(1);
            for (EventJson other : List.of(SERVER_WITHOUT_A_SECRET, SERVER_WITH_ANOTHER_SECRET)) {
                List<String> forged = added(signed, other, late, 1);
                assertEdited(forged);
                assertEdited(added(forged, SERVER, late, 1));
                assertEdited(added(added(signed, SERVER, late, 1), other, late, 1));
            }
        }

        @Test
        void if_an_event_after_a_signed_one_has_no_time() {
            assertEdited(edited(
                    added(signed, SERVER_WITHOUT_A_SECRET, TIME, 1), signed.size(), event -> event.remove("at")));
        }
    }

    @Nested
    class IsUnverified {
        @Test
        void no_event_of_a_signed_history() {
            assertUnverified(signed, 0);
            assertUnverified(List.of(), 0);
        }

        @Test
        void each_event_from_before_there_was_a_secret_no_matter_how_old() {
            List<String> old = added(List.of(), SERVER_WITHOUT_A_SECRET, TIME.minus(WEEK.multipliedBy(100)), 3);

            assertUnverified(old, 3);
            assertUnverified(added(old, SERVER, TIME, 2), 3);
        }

        @Test
        void each_event_that_an_old_server_adds_during_an_upgrade_for_ever() {
            Instant during = TIME.plus(WEEK);
            List<String> mixed = added(signed, SERVER_WITHOUT_A_SECRET, during, 2);

            assertUnverified(mixed, 2);
            assertUnverified(added(mixed, SERVER, during.plus(WEEK), 3), 2);
        }

        @Test
        void each_event_that_is_signed_with_an_unknown_secret() {
            List<String> mixed = added(signed, SERVER_WITH_ANOTHER_SECRET, TIME, 2);

            assertUnverified(mixed, 2);
            assertUnverified(added(mixed, SERVER, TIME, 1), 2);
            assertUnverified(added(List.of(), SERVER_WITH_ANOTHER_SECRET, TIME, 4), 4);
        }

        @Test
        void the_newest_event_if_it_has_lost_its_signature() {
            assertUnverified(edited(signed, 4, SignedHistoryTest::removeSignature), 1);
        }

        @Test
        void every_event_of_a_history_that_was_written_anew() {
            assertUnverified(added(List.of(), SERVER_WITHOUT_A_SECRET, TIME, 5), 5);
        }

        @Test
        void a_text_that_is_no_event() {
            History history = SERVER.history(List.of(signed.get(0), "garbage"));

            assertThat(history.isWhole()).isFalse();
            assertThat(history.unverified()).hasValue(1);
            assertThat(history.events().get(1)).isEqualTo("{\"n\":2,\"unreadable\":\"garbage\"}");
        }
    }

    @Test
    void a_previous_secret_verifies_but_signs_nothing() {
        var server = new EventJson(new HistorySettings(200, "another secret of this test", "a secret of this test"));

        List<String> mixed = added(signed, server, TIME, 1);

        assertThat(server.history(mixed)).isEqualTo(new History(true, OptionalInt.of(0), mixed));
        assertThat(SERVER_WITH_ANOTHER_SECRET.history(mixed).unverified()).hasValue(5);
        assertUnverified(mixed, 1);
    }

    /** As every earlier version does. */
    @Test
    void a_server_without_a_secret_takes_a_signed_history_as_whole_and_says_nothing_of_signatures() {
        assertThat(SERVER_WITHOUT_A_SECRET.history(signed)).isEqualTo(new History(true, OptionalInt.empty(), signed));
    }
}
