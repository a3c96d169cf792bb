package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import licenseserver.license.Event;
import licenseserver.license.Event.Actor;
import licenseserver.license.Event.What;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventJsonTest {
    private static final Instant TIME = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final EventJson PLAIN = new EventJson(new HistorySettings(200, null, null));
    private static final EventJson SIGNED = new EventJson(new HistorySettings(200, "a secret of this test", null));
    private static final Event EVENT = new Event(TIME, What.UPDATED, Actor.ADMIN, "maxMachines", "3", "5");

    @Nested
    class Encode {
        @Test
        void writes_the_number_the_event_and_the_hash() {
            assertThat(PLAIN.encode(EVENT, null))
                    .matches(
                            "\\{\"n\":1,\"at\":1719000000000,\"what\":\"updated\",\"by\":\"admin\","
                                    + "\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\",\"hash\":\"[A-Za-z0-9_-]{22}\"}");
        }

        @Test
        void signs_the_event_if_there_is_a_secret() {
            assertThat(SIGNED.encode(EVENT, null))
                    .matches("\\{\"n\":1,\"at\":1719000000000,\"what\":\"updated\",\"by\":\"admin\","
                            + "\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\",\"after\":\"\","
                            + "\"secretId\":\"[0-9a-f]{8}\",\"hmac\":\"[A-Za-z0-9_-]{22}\","
                            + "\"hash\":\"[A-Za-z0-9_-]{22}\"}");
        }

        @Test
        void leaves_out_what_there_is_not() {
            Event event = new Event(TIME, What.DELETED, Actor.POLICY, null, null, null);

            assertThat(PLAIN.encode(event, null))
                    .matches("\\{\"n\":1,\"at\":1719000000000,\"what\":\"deleted\",\"by\":\"policy\","
                            + "\"hash\":\"[A-Za-z0-9_-]{22}\"}");
        }

        @Test
        void counts_on_from_the_previous_one() {
            String first = PLAIN.encode(EVENT, null);
            String second = PLAIN.encode(EVENT, first);

            assertThat(new JsonObject(second).getLong("n")).isEqualTo(2);
        }

        @Test
        void hashes_what_came_before() {
            String one = PLAIN.encode(EVENT, PLAIN.encode(EVENT, null));
            String other = PLAIN.encode(
                    EVENT, PLAIN.encode(new Event(TIME, What.ENABLED, Actor.ADMIN, null, null, null), null));

            assertThat(one).isNotEqualTo(other);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "no event",
                    "{",
                    "[]",
                    "5",
                    "{}",
                    "{\"n\":\"x\"}",
                    "{\"n\":{},\"hash\":[]}",
                    "null",
                    "{\"n\":null}"
                })
        void begins_anew_where_the_previous_one_cannot_be_read(String previous) {
            assertThat(PLAIN.encode(EVENT, previous)).startsWith("{\"n\":1,");
        }
    }

    /** Notices the same with a secret and without one, as long as the hashes are not written anew. */
    abstract static class IsWhole {
        private final EventJson json;
        private final List<String> events;

        IsWhole(EventJson json) {
            this.json = json;
            this.events = chain(json, 8);
        }

        private boolean isWhole(List<String> history) {
            return json.history(history).isWhole();
        }

        @Test
        void is_what_was_written_in_the_order_it_was() {
            for (int length = 0; length <= events.size(); length++) {
                assertThat(isWhole(events.subList(0, length))).isTrue();
            }
        }

        @Test
        void is_what_is_left_when_old_events_were_dropped() {
            for (int start = 0; start < events.size(); start++) {
                assertThat(isWhole(events.subList(start, events.size()))).isTrue();
            }
        }

        @Test
        void is_no_history_with_an_event_removed_from_within() {
            for (int i = 1; i < events.size() - 1; i++) {
                var others = new ArrayList<>(events);
                others.remove(i);
                assertThat(isWhole(others)).isFalse();
            }
        }

        @Test
        void is_no_history_with_two_events_swapped() {
            for (int i = 0; i < events.size(); i++) {
                for (int j = i + 1; j < events.size(); j++) {
                    var others = new ArrayList<>(events);
                    others.set(i, events.get(j));
                    others.set(j, events.get(i));
                    assertThat(isWhole(others)).isFalse();
                }
            }
        }

        @Test
        void is_no_history_with_an_event_twice() {
            for (int i = 0; i < events.size(); i++) {
                var others = new ArrayList<>(events);
                others.add(i, events.get(i));
                assertThat(isWhole(others)).isFalse();
            }
        }

        @Test
        void is_no_history_with_an_event_inserted() {
            for (int i = 0; i < events.size(); i++) {
                var others = new ArrayList<>(events);
                others.add(i, json.encode(EVENT, i == 0 ? null : events.get(i - 1)));
                assertThat(isWhole(others)).isFalse();
            }
        }

        @Test
        void is_no_history_with_an_event_written_anew_unless_all_later_ones_are_too() {
            for (int i = 0; i < events.size() - 1; i++) {
                assertBroken(i, json.encode(EVENT, i == 0 ? null : events.get(i - 1)));
            }
        }

        @Test
        void is_no_history_with_any_event_edited() {
            for (int i = 0; i < events.size(); i++) {
                for (String name : new JsonObject(events.get(i)).fieldNames()) {
                    var edited = new JsonObject(events.get(i));
                    Object value = edited.getValue(name);
                    edited.put(name, value instanceof Number number ? number.longValue() + 1 : value + "x");
                    assertBroken(i, edited.encode());
                    edited.remove(name);
                    assertBroken(i, edited.encode());
                }
                assertBroken(i, new JsonObject(events.get(i)).put("more", 1).encode());
            }
        }

        @Test
        void is_no_history_with_an_event_cut_short() {
            for (int i = 0; i < events.size(); i++) {
                for (int length = 0; length < events.get(i).length(); length++) {
                    assertBroken(i, events.get(i).substring(0, length));
                }
            }
        }

        @Test
        void is_no_history_with_any_character_changed() {
            var random = new Random(1);
            String pieces = "{}[]\",:\\0123456789abcx ";
            for (int run = 0; run < 3000; run++) {
                int i = random.nextInt(events.size());
                var text = new StringBuilder(events.get(i));
                int place = random.nextInt(text.length());
                text.setCharAt(place, pieces.charAt(random.nextInt(pieces.length())));
                String changed = text.toString();
                if (!changed.equals(events.get(i))) {
                    assertBroken(i, changed);
                }
            }
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "no event",
                    "{",
                    "[]",
                    "5",
                    "{}",
                    "{\"n\":\"x\"}",
                    "{\"n\":1,\"hash\":[]}",
                    "null",
                    "{\"n\":null}"
                })
        void is_no_history_with_what_is_no_event(String text) {
            for (int i = 0; i < events.size(); i++) {
                assertBroken(i, text);
            }
        }

        @Test
        void is_no_history_that_went_on_after_one_that_cannot_be_read() {
            var others = new ArrayList<>(events.subList(0, 3));
            others.set(2, "garbage");
            others.add(json.encode(EVENT, "garbage"));

            assertThat(isWhole(others)).isFalse();
        }

        private void assertBroken(int index, String event) {
            var others = new ArrayList<>(events);
            others.set(index, event);
            assertThat(isWhole(others)).as("%s at %s", event, index).isFalse();
        }
    }

    @Nested
    class IsWholeWithoutASecret extends IsWhole {
        IsWholeWithoutASecret() {
            super(PLAIN);
        }
    }

    @Nested
    class IsWholeWithASecret extends IsWhole {
        IsWholeWithASecret() {
            super(SIGNED);
        }
    }

    private static List<String> chain(EventJson json, int length) {
        var events = new ArrayList<String>();
        String last = null;
        for (int i = 0; i < length; i++) {
            last = json.encode(
                    new Event(
                            TIME.plusSeconds(i),
                            i % 2 == 0 ? What.UPDATED : What.ACTIVATED,
                            Actor.CLIENT,
                            i % 2 == 0 ? null : "machine-" + i,
                            i % 3 == 0 ? null : "é\ud83d\ude00\"\\\u0000",
                            "" + i),
                    last);
            events.add(last);
        }
        return events;
    }
}
