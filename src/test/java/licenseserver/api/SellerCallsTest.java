package licenseserver.api;

import static licenseserver.Await.await;
import static licenseserver.api.TestServer.NOW_MILLIS;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import licenseserver.EventLoops;
import licenseserver.idempotency.InMemoryIdempotencyStore;
import licenseserver.license.Email;
import licenseserver.license.LicenseKey;
import licenseserver.license.Policy;
import licenseserver.store.HistorySettings;
import licenseserver.store.InMemoryLicenseStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the seller can do with a license, call by call and to the byte. */
@SuppressWarnings("NullAway.Init")
class SellerCallsTest {
    private static final String DONE = "{\"success\":true}";
    private static final String NOT_FOUND = refusal("License not found");
    private static final String EMAIL = "customer@example.com";
    private static final String NOT_VALID = "{\"success\":false,\"premium\":false}";
    private static final String VALID = "{\"success\":true,\"premium\":true}";

    private static Vertx vertx;

    private final InMemoryLicenseStore licenses = new InMemoryLicenseStore();
    private final AtomicLong now = new AtomicLong(NOW_MILLIS);
    private TestServer server;
    private String key;

    @BeforeAll
    static void startVertx() {
        vertx = EventLoops.watched();
    }

    @AfterAll
    static void stopVertx() {
        await(vertx.close());
    }

    @BeforeEach
    void start() {
        server = TestServer.start(
                vertx, licenses, new InMemoryIdempotencyStore(), Policy.NONE, () -> Instant.ofEpochMilli(now.get()));
        key = register("{\"email\":\"" + EMAIL + "\"}");
        activate("one");
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** All changes of one license, with what they need beside its name. */
    static Stream<String> changes() {
        return Stream.of(
                "/disable-license ,\"reason\":\"refund\"",
                "/enable-license ",
                "/update-license ,\"maxMachines\":5",
                "/reset-machines ",
                "/rotate-key ",
                "/delete-license ");
    }

    @Nested
    class AnyChange {
        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#changes")
        void needs_the_name_of_a_license(String change) {
            for (String name : List.of(
                    "\"key\":null",
                    "\"key\":\"\"",
                    "\"key\":5",
                    "\"email\":\"\"",
                    "\"email\":[]",
                    "\"key\":null,\"email\":null")) {
                assertAnswer(call(change, name), 400, refusal("key or email required"));
            }
        }

        @Test
        void of_a_license_that_is_not_named_needs_the_secret_first() {
            assertThat(server.post("/disable-license", "{}").statusCode()).isEqualTo(401);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#changes")
        void of_an_unknown_license_is_not_found_but_for_deletion(String change) {
            for (String name : List.of(
                    "\"key\":\"AAAA-AAAA-AAAA-AAAA\"",
                    "\"key\":\"{}\"",
                    "\"key\":\"" + "X".repeat(65) + "\"",
                    "\"email\":\"unknown@example.com\"",
                    "\"email\":\"no address\"",
                    "\"key\":\"UNKNOWN\",\"email\":\"" + EMAIL + "\"")) {
                boolean isDeletion = change.startsWith("/delete");
                assertAnswer(call(change, name), isDeletion ? 200 : 404, isDeletion ? DONE : NOT_FOUND);
            }
            assertThat(info()).contains("\"machineId\":\"one\"");
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#changes")
        void takes_key_or_email_as_people_type_them(String change) {
            assertThat(call(change, "\"key\":\" " + key.toLowerCase(Locale.ROOT) + " \"")
                            .statusCode())
                    .isEqualTo(200);
            register("{\"email\":\"second@example.com\"}");
            assertThat(call(change, "\"email\":\" Second@Example.COM \"").statusCode())
                    .isEqualTo(200);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#changes")
        void with_an_unknown_field_is_refused_and_changes_nothing(String change) {
            String before = info();
            int writes = licenses.writes();

            assertAnswer(
                    call(change, "\"key\":\"" + key + "\",\"maxMachine\":5"),
                    400,
                    refusal("Unknown field: maxMachine"));

            assertThat(info()).isEqualTo(before);
            assertThat(licenses.writes()).isEqualTo(writes);
        }

        private HttpResponse<String> call(String change, String name) {
            int space = change.indexOf(' ');
            return server.postAsAdmin(change.substring(0, space), "{" + name + change.substring(space + 1) + "}");
        }
    }

    @Nested
    class DisableLicense {
        @Test
        void holds_for_the_very_next_call() {
            assertAnswer(post("/disable-license", ""), 200, DONE);

            assertValidated("one", NOT_VALID);
            assertAnswer(server.post("/activate", machine("one")), 403, refusal("License disabled"));
            assertAnswer(server.post("/deactivate", machine("one")), 200, DONE);
        }

        @Test
        void shows_the_reason() {
            post("/disable-license", ",\"reason\":\"charge back\"");

            assertThat(info()).contains("\"disabled\":true,").contains("\"disabledReason\":\"charge back\"");
        }

        @Test
        void can_be_repeated_and_writes_nothing_then() {
            post("/disable-license", ",\"reason\":\"refund\"");
            int writes = licenses.writes();

            assertAnswer(post("/disable-license", ",\"reason\":\"refund\""), 200, DONE);
            assertAnswer(post("/disable-license", ""), 200, DONE);

            assertThat(licenses.writes()).isEqualTo(writes);
            assertThat(info()).contains("\"disabledReason\":\"refund\"");
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"\"", "5", "true", "[]", "\"a\\nb\"", "\"\\ud83d\""})
        void refuses_a_bad_reason_and_changes_nothing(String reason) {
            for (String path : List.of("/disable-license", "/enable-license")) {
                assertAnswer(
                        post(path, ",\"reason\":" + reason),
                        400,
                        refusal("reason must be text of 1 to 500 characters without control characters"));
            }
            assertValidated("one", VALID);
        }
    }

    @Nested
    class EnableLicense {
        @Test
        void holds_for_the_very_next_call_and_forgets_the_reason() {
            String before = info();
            post("/disable-license", ",\"reason\":\"refund\"");

            assertAnswer(post("/enable-license", ",\"reason\":\"paid\""), 200, DONE);

            assertValidated("one", VALID);
            assertThat(info()).isEqualTo(before);
        }

        @Test
        void can_be_repeated_and_writes_nothing_then() {
            int writes = licenses.writes();

            assertAnswer(post("/enable-license", ""), 200, DONE);

            assertThat(licenses.writes()).isEqualTo(writes);
        }
    }

    @Nested
    class RegisterWithTerms {
        @Test
        void keeps_all_of_them() {
            String registered = register("{\"email\":\"a@b\",\"maxMachines\":10000,\"expiresAt\":1750000000000,"
                    + "\"product\":\"pro\",\"metadata\":{ \"order\" : 1.0 },\"notes\":\"a\\nb\",\"idleDays\":30,"
                    + "\"newMachinesPer30Days\":5}");

            assertThat(info(registered))
                    .isEqualTo("{\"success\":true,\"license\":{\"key\":\"" + registered
                            + "\",\"email\":\"a@b\",\"createdAt\":" + NOW_MILLIS
                            + ",\"maxMachines\":10000,\"disabled\":false,\"machines\":[],\"expiresAt\":1750000000000,"
                            + "\"product\":\"pro\",\"metadata\":{ \"order\" : 1.0 },\"notes\":\"a\\nb\",\"idleDays\":30,"
                            + "\"newMachinesPer30Days\":5}}");
        }

        @Test
        void counts_days_from_now() {
            String registered = register("{\"email\":\"a@b\",\"validForDays\":30}");

            assertThat(info(registered)).contains("\"expiresAt\":" + (NOW_MILLIS + 30L * 86_400_000));
        }

        @Test
        void takes_null_for_not_given() {
            String registered = register("{\"email\":\"a@b\",\"maxMachines\":null,\"expiresAt\":null,\"product\":null,"
                    + "\"metadata\":null,\"notes\":null,\"idleDays\":null,\"newMachinesPer30Days\":null}");

            assertThat(info(registered)).endsWith("\"maxMachines\":3,\"disabled\":false,\"machines\":[]}}");
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#badTerms")
        void refuses_bad_ones_by_name_and_registers_nothing(String fields, String message) {
            assertAnswer(
                    server.postAsAdmin("/register-license", "{\"email\":\"a@b\"," + fields + "}"),
                    400,
                    refusal(message));
            assertThat(await(licenses.findByEmail(new Email("a@b")))).isEmpty();
        }

        @Test
        void refuses_fields_that_it_does_not_know() {
            assertAnswer(
                    server.postAsAdmin("/register-license", "{\"email\":\"a@b\",\"plan\":\"pro\"}"),
                    400,
                    refusal("Unknown field: plan"));
            assertAnswer(server.postAsAdmin("/license-info", "{\"email\":\"a@b\"}"), 404, NOT_FOUND);
        }

        @ParameterizedTest
        @ValueSource(strings = {"a@b,c@d", "a@b;c@d", "Ada<a@b>"})
        void refuses_what_looks_like_several_addresses_but_finds_it_in_records_from_elsewhere(String address) {
            assertAnswer(
                    server.postAsAdmin("/register-license", "{\"email\":\"" + address + "\"}"),
                    400,
                    refusal("Email invalid"));
            licenses.put("email:" + address.toLowerCase(Locale.ROOT), "OLD");
            licenses.put(
                    "license:OLD",
                    "{\"key\":\"OLD\",\"email\":\"" + address
                            + "\",\"createdAt\":0,\"maxMachines\":1,\"machines\":[]}");

            assertThat(server.postAsAdmin("/license-info", "{\"email\":\"" + address + "\"}")
                            .statusCode())
                    .isEqualTo(200);
            assertAnswer(
                    server.postAsAdmin(
                            "/update-license", "{\"email\":\"" + address + "\",\"newEmail\":\"" + address + "\"}"),
                    400,
                    refusal("newEmail must be an e-mail address"));
        }
    }

    static Stream<Arguments> badTerms() {
        var all = new ArrayList<Arguments>();
        for (String bad : List.of(
                "0", "-1", "10001", "4294967297", "1e3", "3.0", "\"3\"", "true", "[]", "{}", "9223372036854775808")) {
            all.add(bad("maxMachines", bad, "must be a whole number from 1 to 10000"));
        }
        for (String bad : List.of("-1", "36501", "4294967297", "1.0", "\"1\"", "false", "[]")) {
            all.add(bad("idleDays", bad, "must be a whole number from 0 to 36500"));
        }
        for (String bad : List.of("0", "-1", "36501", "4294967297", "1.0", "\"1\"", "false", "{}")) {
            all.add(bad("validForDays", bad, "must be a whole number from 1 to 36500"));
        }
        for (String bad : List.of("-1", "10001", "4294967297", "1.0", "\"1\"")) {
            all.add(bad("newMachinesPer30Days", bad, "must be a whole number from 0 to 10000"));
        }
        for (String bad : List.of(
                "0",
                "-1",
                "1.75e12",
                "1750000000000.0",
                "\"2030-01-01\"",
                "\"1750000000000\"",
                "true",
                "253402300800000",
                "[]")) {
            all.add(bad("expiresAt", bad, "must be a time in milliseconds since 1970, as a whole number"));
        }
        for (String seconds : List.of("100000000", "1719000000", "99999999999")) {
            all.add(bad("expiresAt", seconds, "must be a time in milliseconds since 1970, not in seconds"));
        }
        for (String bad : List.of("\"\"", "5", "\"a\\nb\"", "\"\\ud83d\"", "[]", "\"" + "x".repeat(101) + "\"")) {
            all.add(bad("product", bad, "must be text of 1 to 100 characters without control characters"));
        }
        for (String bad : List.of("\"\"", "5", "\"\\ud83d\"", "{}", "\"" + "x".repeat(4001) + "\"")) {
            all.add(bad("notes", bad, "must be text of 1 to 4000 characters"));
        }
        for (String bad : List.of("\"{}\"", "5", "[]", "true", "{\"a\":\"" + "x".repeat(4089) + "\"}")) {
            all.add(bad("metadata", bad, "must be a JSON object of at most 4096 bytes"));
        }
        all.add(Arguments.of(
                "\"validForDays\":1,\"expiresAt\":1750000000000", "validForDays and expiresAt say the same; give one"));
        return all.stream();
    }

    private static Arguments bad(String name, String value, String why) {
        return Arguments.of("\"" + name + "\":" + value, name + " " + why);
    }

    @Nested
    class UpdateLicense {
        @Test
        void sets_several_at_once_and_shows_the_license() {
            HttpResponse<String> answer = post(
                    "/update-license",
                    ",\"maxMachines\":1,\"expiresAt\":1750000000000,\"product\":\"pro\",\"metadata\":{\"a\":1e400},"
                            + "\"notes\":\"n\",\"idleDays\":0,\"newMachinesPer30Days\":0");

            assertAnswer(
                    answer,
                    200,
                    "{\"success\":true,\"license\":{\"key\":\"" + key + "\",\"email\":\"" + EMAIL + "\",\"createdAt\":"
                            + NOW_MILLIS + ",\"maxMachines\":1,\"disabled\":false,\"machines\":[{\"machineId\":\"one\","
                            + "\"activatedAt\":" + NOW_MILLIS + "}],\"expiresAt\":1750000000000,\"product\":\"pro\","
                            + "\"metadata\":{\"a\":1e400},\"notes\":\"n\",\"idleDays\":0,\"newMachinesPer30Days\":0}}");
            assertThat(info()).isEqualTo(answer.body());
        }

        @Test
        void leaves_what_is_not_named() {
            post("/update-license", ",\"product\":\"pro\",\"notes\":\"n\"");

            assertThat(post("/update-license", ",\"notes\":\"m\"").body())
                    .contains("\"product\":\"pro\",\"notes\":\"m\"")
                    .contains("\"maxMachines\":3");
        }

        @Test
        void clears_what_is_null() {
            String before = info();
            post(
                    "/update-license",
                    ",\"maxMachines\":7,\"validForDays\":1,\"product\":\"p\",\"metadata\":{},\"notes\":\"n\","
                            + "\"idleDays\":1,\"newMachinesPer30Days\":1");

            HttpResponse<String> cleared = post(
                    "/update-license",
                    ",\"maxMachines\":null,\"expiresAt\":null,\"product\":null,\"metadata\":null,\"notes\":null,"
                            + "\"idleDays\":null,\"newMachinesPer30Days\":null");

            assertThat(cleared.body()).isEqualTo(before);
        }

        @Test
        void writes_nothing_where_nothing_changes() {
            int writes = licenses.writes();

            assertThat(post("/update-license", "").statusCode()).isEqualTo(200);
            assertThat(post("/update-license", ",\"maxMachines\":3,\"newEmail\":\"" + EMAIL + "\"")
                            .statusCode())
                    .isEqualTo(200);

            assertThat(licenses.writes()).isEqualTo(writes);
        }

        @Test
        void takes_metadata_of_4096_bytes() {
            String metadata = "{\"a\":\"" + "x".repeat(4088) + "\"}";

            assertThat(post("/update-license", ",\"metadata\":" + metadata).statusCode())
                    .isEqualTo(200);
            assertThat(info()).contains("\"metadata\":" + metadata);
        }

        @ParameterizedTest
        @MethodSource("licenseserver.api.SellerCallsTest#badTerms")
        void refuses_a_bad_value_by_name_and_changes_nothing(String fields, String message) {
            String before = info();
            int writes = licenses.writes();

            assertAnswer(post("/update-license", ",\"newEmail\":\"x@y\"," + fields), 400, refusal(message));
            assertAnswer(
                    post("/update-license", "," + fields + (fields.contains("notes") ? "" : ",\"notes\":\"n\"")),
                    400,
                    refusal(message));

            assertThat(info()).isEqualTo(before);
            assertThat(licenses.writes()).isEqualTo(writes);
        }

        @ParameterizedTest
        @ValueSource(strings = {"NaN", "Infinity", "0x3", "03", "+3", "undefined"})
        void refuses_what_is_no_json(String value) {
            assertAnswer(post("/update-license", ",\"maxMachines\":" + value), 400, refusal("Invalid JSON"));
        }

        @Test
        void keeps_active_machines_beyond_a_lowered_limit() {
            activate("two");
            post("/update-license", ",\"maxMachines\":1");

            assertValidated("one", VALID);
            assertAnswer(
                    server.post("/activate", machine("two")),
                    200,
                    "{\"success\":true,\"premium\":true,\"remainingSlots\":0}");
            assertAnswer(server.post("/activate", machine("three")), 403, refusal("Activation limit exceeded"));
        }

        @Test
        void that_lets_a_license_expire_holds_to_the_millisecond() {
            long end = NOW_MILLIS + 1000;
            post("/update-license", ",\"expiresAt\":" + end);

            now.set(end - 1);
            assertValidated("one", VALID);
            now.set(end);
            assertValidated("one", NOT_VALID);
            assertAnswer(server.post("/activate", machine("one")), 403, refusal("License expired"));
            assertAnswer(server.post("/activate", machine("two")), 403, refusal("License expired"));
            assertAnswer(server.post("/deactivate", machine("one")), 200, DONE);
        }
    }

    @Nested
    class NewEmail {
        @Test
        void leads_to_the_license_and_frees_the_old_one() {
            HttpResponse<String> answer =
                    post("/update-license", ",\"newEmail\":\" New@Example.com \",\"notes\":\"n\"");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).contains("\"email\":\"new@example.com\"").contains("\"notes\":\"n\"");
            assertThat(server.postAsAdmin("/license-info", "{\"email\":\"new@example.com\"}")
                            .body())
                    .contains(key);
            assertAnswer(server.postAsAdmin("/license-info", "{\"email\":\"" + EMAIL + "\"}"), 404, NOT_FOUND);
            assertThat(register("{\"email\":\"" + EMAIL + "\"}")).isNotEqualTo(key);
        }

        @Test
        void that_has_a_license_is_refused_and_changes_nothing() {
            String other = register("{\"email\":\"taken@example.com\"}");
            String before = info();

            assertAnswer(
                    post("/update-license", ",\"newEmail\":\"Taken@example.com\",\"notes\":\"n\""),
                    409,
                    refusal("Email already registered"));

            assertThat(info()).isEqualTo(before);
            assertThat(server.postAsAdmin("/license-info", "{\"email\":\"taken@example.com\"}")
                            .body())
                    .contains(other);
        }

        @ParameterizedTest
        @ValueSource(strings = {"null", "\"\"", "\"none\"", "\"a b@c\"", "5", "[]"})
        void that_is_no_address_is_refused(String email) {
            assertAnswer(
                    post("/update-license", ",\"newEmail\":" + email),
                    400,
                    refusal("newEmail must be an e-mail address"));
        }
    }

    @Nested
    class ResetMachines {
        private static String freed(int machines) {
            return "{\"success\":true,\"freed\":" + machines + "}";
        }

        @Test
        void takes_all_slots_back() {
            activate("two");

            assertAnswer(post("/reset-machines", ""), 200, freed(2));

            assertThat(info()).contains("\"machines\":[]");
            assertValidated("one", NOT_VALID);
        }

        @Test
        void takes_the_slot_of_one_machine_back() {
            activate("two");

            assertAnswer(post("/reset-machines", ",\"machineId\":\"one\""), 200, freed(1));

            assertValidated("one", NOT_VALID);
            assertValidated("two", VALID);
        }

        @Test
        void can_be_repeated_and_writes_nothing_then() {
            post("/reset-machines", "");
            int writes = licenses.writes();

            assertAnswer(post("/reset-machines", ""), 200, freed(0));
            assertAnswer(post("/reset-machines", ",\"machineId\":\"one\""), 200, freed(0));

            assertThat(licenses.writes()).isEqualTo(writes);
        }

        @Test
        void refuses_null_for_a_machine_as_it_may_be_a_variable_that_was_not_set() {
            assertAnswer(
                    post("/reset-machines", ",\"machineId\":null"),
                    400,
                    refusal("machineId must be text, or left out for all machines"));
            assertValidated("one", VALID);
        }

        @ParameterizedTest
        @ValueSource(strings = {"\"\"", "5", "true", "[]", "[\"one\"]", "{}", "\"a\\n\""})
        void refuses_a_bad_machine_and_resets_nothing(String machineId) {
            assertAnswer(
                    post("/reset-machines", ",\"machineId\":" + machineId),
                    400,
                    refusal("machineId must be text of 1 to 256 characters without control characters"));
            assertValidated("one", VALID);
        }
    }

    @Nested
    class RotateKey {
        @ParameterizedTest
        @ValueSource(strings = {"", ",\"keepMachines\":true"})
        void makes_the_old_key_unknown_and_keeps_all_else(String choice) {
            String before = info();

            HttpResponse<String> answer = post("/rotate-key", choice);

            String newKey = new JsonObject(answer.body()).getString("key");
            assertAnswer(answer, 200, "{\"success\":true,\"key\":\"" + newKey + "\"}");
            assertThat(newKey)
                    .matches("([A-HJ-NP-Z2-9]{4}-){3}[A-HJ-NP-Z2-9]{4}")
                    .isNotEqualTo(key);
            assertAnswer(server.postAsAdmin("/license-info", "{\"key\":\"" + key + "\"}"), 404, NOT_FOUND);
            assertValidated("one", NOT_VALID);
            assertAnswer(server.post("/activate", machine("one")), 404, NOT_FOUND);
            assertThat(info(newKey)).isEqualTo(before.replace(key, newKey));
            assertThat(server.postAsAdmin("/license-info", "{\"email\":\"" + EMAIL + "\"}")
                            .body())
                    .isEqualTo(info(newKey));
        }

        @Test
        void drops_the_machines_where_asked_to() {
            String newKey = new JsonObject(
                            post("/rotate-key", ",\"keepMachines\":false").body())
                    .getString("key");

            assertThat(info(newKey)).contains("\"machines\":[]");
        }

        @ParameterizedTest
        @ValueSource(strings = {"null", "\"false\"", "0", "\"\"", "[]"})
        void refuses_a_choice_that_is_none(String choice) {
            assertAnswer(
                    post("/rotate-key", ",\"keepMachines\":" + choice),
                    400,
                    refusal("keepMachines must be true or false"));
            assertValidated("one", VALID);
        }
    }

    @Nested
    class DeleteLicense {
        @Test
        void leaves_nothing_and_frees_the_email() {
            assertAnswer(post("/delete-license", ""), 200, DONE);

            assertAnswer(server.postAsAdmin("/license-info", "{\"key\":\"" + key + "\"}"), 404, NOT_FOUND);
            assertAnswer(server.postAsAdmin("/license-info", "{\"email\":\"" + EMAIL + "\"}"), 404, NOT_FOUND);
            assertAnswer(server.postAsAdmin("/license-history", "{\"key\":\"" + key + "\"}"), 404, NOT_FOUND);
            assertValidated("one", NOT_VALID);
            assertThat(register("{\"email\":\"" + EMAIL + "\"}")).isNotEqualTo(key);
        }

        @Test
        void can_be_repeated_with_the_same_answer() {
            post("/delete-license", "");

            assertAnswer(post("/delete-license", ""), 200, DONE);
        }
    }

    @Nested
    class LicenseHistory {
        @Test
        void shows_every_change_newest_first() {
            now.addAndGet(1);
            post("/update-license", ",\"maxMachines\":5");
            server.post("/deactivate", machine("one"));

            assertThat(withoutHashes(history("")))
                    .isEqualTo("{\"success\":true,\"whole\":true,\"events\":["
                            + "{\"n\":4,\"at\":1719000000001,\"what\":\"deactivated\",\"by\":\"client\","
                            + "\"subject\":\"one\",HASH},"
                            + "{\"n\":3,\"at\":1719000000001,\"what\":\"updated\",\"by\":\"admin\","
                            + "\"subject\":\"maxMachines\",\"from\":\"3\",\"to\":\"5\",HASH},"
                            + "{\"n\":2,\"at\":1719000000000,\"what\":\"activated\",\"by\":\"client\","
                            + "\"subject\":\"one\",HASH},"
                            + "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\","
                            + "\"to\":\"customer@example.com\",HASH}]}");
        }

        @Test
        void comes_in_pages() {
            for (int i = 0; i < 60; i++) {
                post("/update-license", ",\"maxMachines\":" + (i + 10));
            }
            assertThat(numbers(history(""))).hasSize(50).startsWith(62L).endsWith(13L);

            var all = new ArrayList<Long>();
            String before = "";
            int pages = 0;
            while (true) {
                String page = history(",\"limit\":25" + before);
                all.addAll(numbers(page));
                pages++;
                Long next = new JsonObject(page).getLong("before");
                if (next == null) {
                    break;
                }
                before = ",\"before\":" + next;
            }

            assertThat(pages).isEqualTo(3);
            assertThat(all).hasSize(62).doesNotHaveDuplicates().startsWith(62L).endsWith(1L);
        }

        @Test
        void tells_of_no_next_page_where_the_last_one_is_full() {
            assertThat(history(",\"limit\":2")).doesNotContain("before");
            assertThat(history(",\"limit\":1")).endsWith(",\"before\":2}");
            assertThat(history(",\"before\":1")).isEqualTo("{\"success\":true,\"whole\":true,\"events\":[]}");
        }

        @Test
        void goes_on_under_a_new_key() {
            String newKey = new JsonObject(post("/rotate-key", "").body()).getString("key");

            String history = server.postAsAdmin("/license-history", "{\"key\":\"" + newKey + "\"}")
                    .body();

            assertThat(history)
                    .contains("\"whole\":true")
                    .contains("\"what\":\"key_rotated\"")
                    .contains("\"what\":\"registered\"")
                    .doesNotContain(key, newKey);
        }

        @Test
        void says_where_it_was_tampered_with() {
            post("/update-license", ",\"maxMachines\":5");
            List<String> events =
                    new ArrayList<>(await(licenses.history(new LicenseKey(key))).events());
            events.remove(1);
            licenses.putHistory(new LicenseKey(key), events);

            assertThat(history("")).startsWith("{\"success\":true,\"whole\":false,");
        }

        @Test
        void says_how_many_events_are_not_signed_if_the_server_has_a_secret() {
            var signing = new InMemoryLicenseStore(new HistorySettings(200, "a secret of this test", null));
            try (TestServer another = TestServer.start(vertx, signing)) {
                String body = another.postAsAdmin("/register-license", "{\"email\":\"signed@example.com\"}")
                        .body();
                var signed = new LicenseKey(new JsonObject(body).getString("key"));
                String named = "{\"key\":\"" + signed.value() + "\"}";

                assertThat(another.postAsAdmin("/license-history", named).body())
                        .startsWith("{\"success\":true,\"whole\":true,\"unverified\":0,\"events\":[{\"n\":1,");

                signing.putHistory(
                        signed, await(licenses.history(new LicenseKey(key))).events());
                assertThat(another.postAsAdmin("/license-history", named).body())
                        .startsWith("{\"success\":true,\"whole\":true,\"unverified\":2,\"events\":[{\"n\":2,");
            }
        }

        @Test
        void shows_what_is_no_event_as_such() {
            for (String garbage :
                    List.of("garbage", "{\"n\":", "[]", "5", "", "{}", "{\"n\":null}", "{\"n\":\"x\"}", "null")) {
                List<String> events = new ArrayList<>(
                        await(licenses.history(new LicenseKey(key))).events());
                events.set(1, garbage);
                licenses.putHistory(new LicenseKey(key), events);

                assertThat(history(",\"limit\":1"))
                        .isEqualTo("{\"success\":true,\"whole\":false,\"events\":["
                                + new JsonObject().put("n", 2).put("unreadable", garbage) + "],\"before\":2}");
                assertThat(withoutHashes(history(",\"before\":2"))).contains("\"what\":\"registered\"");
            }
        }

        @ParameterizedTest
        @CsvSource({
            "limit, 0, 1000",
            "limit, 1001, 1000",
            "limit, '\"5\"', 1000",
            "limit, 1.0, 1000",
            "before, 0, 9223372036854775807",
            "before, '\"5\"', 9223372036854775807",
            "before, 1e3, 9223372036854775807"
        })
        void refuses_bad_bounds(String name, String value, String most) {
            assertAnswer(
                    post("/license-history", ",\"" + name + "\":" + value),
                    400,
                    refusal(name + " must be a whole number from 1 to " + most));
        }

        @Test
        void of_an_unknown_license_is_not_found() {
            assertAnswer(server.postAsAdmin("/license-history", "{\"key\":\"UNKNOWN\"}"), 404, NOT_FOUND);
            assertAnswer(server.postAsAdmin("/license-history", "{}"), 400, refusal("key or email required"));
        }

        private String history(String more) {
            HttpResponse<String> answer = post("/license-history", more);
            assertThat(answer.statusCode()).isEqualTo(200);
            return answer.body();
        }

        private static List<Long> numbers(String page) {
            JsonArray events = new JsonObject(page).getJsonArray("events");
            return events.stream()
                    .map(event -> ((JsonObject) event).getLong("n"))
                    .toList();
        }
    }

    @Nested
    class RecentEvents {
        @Test
        void are_those_of_all_licenses_newest_first() {
            String other = register("{\"email\":\"other@example.com\"}");

            assertThat(withoutHashes(server.postAsAdmin("/recent-events", "{}").body()))
                    .isEqualTo("{\"success\":true,\"events\":["
                            + "{\"key\":\"" + other + "\",\"n\":1,\"at\":1719000000000,\"what\":\"registered\","
                            + "\"by\":\"admin\",\"to\":\"other@example.com\",HASH},"
                            + "{\"key\":\"" + key + "\",\"n\":2,\"at\":1719000000000,\"what\":\"activated\","
                            + "\"by\":\"client\",\"subject\":\"one\",HASH},"
                            + "{\"key\":\"" + key + "\",\"n\":1,\"at\":1719000000000,\"what\":\"registered\","
                            + "\"by\":\"admin\",\"to\":\"customer@example.com\",HASH}]}");
        }

        @Test
        void are_as_many_as_asked_for() {
            String answer =
                    server.postAsAdmin("/recent-events", "{\"limit\":1}").body();

            assertThat(new JsonObject(answer).getJsonArray("events")).hasSize(1);
            assertAnswer(
                    server.postAsAdmin("/recent-events", "{\"limit\":0}"),
                    400,
                    refusal("limit must be a whole number from 1 to 1000"));
        }

        @Test
        void tell_of_a_deletion_by_the_end_of_the_key_and_of_nothing_else_of_that_license() {
            post("/delete-license", "");

            String answer = server.postAsAdmin("/recent-events", "{}").body();

            assertThat(withoutHashes(answer))
                    .isEqualTo("{\"success\":true,\"events\":[{\"key\":\"…" + key.substring(15)
                            + "\",\"n\":3,\"at\":1719000000000,\"what\":\"deleted\",\"by\":\"admin\",HASH}]}");
        }
    }

    /** A record that is not a license, under a key that can be typed. */
    @Nested
    class AnUnreadableRecord {
        private static final String RECORD = "{\"email\":\"hurt@example.com\",\"createdAt\":1,\"maxMachines\":\"two\"}";
        private static final String MENDED =
                "{\"key\":\"OLD\",\"email\":\"hurt@example.com\",\"createdAt\":1,\"maxMachines\":2}";

        @BeforeEach
        void put() {
            licenses.put("license:HURT", RECORD);
            licenses.put("email:hurt@example.com", "HURT");
        }

        @ParameterizedTest
        @ValueSource(strings = {"{\"key\":\"HURT\"}", "{\"email\":\"hurt@example.com\"}"})
        void is_shown_with_what_is_wrong(String name) {
            assertAnswer(
                    server.postAsAdmin("/license-info", name),
                    409,
                    "{\"success\":false,\"message\":\"The stored license cannot be read:"
                            + " maxMachines is not an integer from 0 to 2147483647\",\"record\":"
                            + new JsonArray().add(RECORD).encode().replaceAll("^.|.$", "") + "}");
        }

        @Test
        void can_be_deleted_by_its_key_and_its_address_registered_anew() {
            assertAnswer(server.postAsAdmin("/delete-license", "{\"key\":\"hurt\"}"), 200, DONE);

            assertAnswer(server.postAsAdmin("/license-info", "{\"key\":\"HURT\"}"), 404, NOT_FOUND);
            assertAnswer(server.postAsAdmin("/license-info", "{\"email\":\"hurt@example.com\"}"), 404, NOT_FOUND);
            assertThat(register("{\"email\":\"hurt@example.com\"}")).isNotEqualTo("HURT");
        }

        @Test
        void can_be_replaced_by_its_mended_text() {
            String license =
                    "{\"key\":\"HURT\",\"email\":\"hurt@example.com\",\"createdAt\":1,\"maxMachines\":2,\"disabled\":false,\"machines\":[]}";

            assertAnswer(replace("hurt", MENDED), 200, "{\"success\":true,\"license\":" + license + "}");

            assertAnswer(
                    server.postAsAdmin("/license-info", "{\"email\":\"hurt@example.com\"}"),
                    200,
                    "{\"success\":true,\"license\":" + license + "}");
            assertThat(server.postAsAdmin("/license-history", "{\"key\":\"HURT\"}")
                            .body())
                    .contains("\"what\":\"updated\",\"by\":\"admin\",\"subject\":\"record\"");
            assertAnswer(
                    replace("HURT", MENDED), 409, refusal("The stored license can be read; change its terms instead"));
        }

        @Test
        void is_replaced_only_by_a_license_whose_address_is_free() {
            register("{\"email\":\"taken@example.com\"}");

            assertAnswer(
                    replace("HURT", MENDED.replace("2}", "\"two\"}")),
                    400,
                    refusal("record cannot be read: maxMachines is not an integer from 0 to 2147483647"));
            assertAnswer(replace("HURT", MENDED.replace("hurt@", "taken@")), 409, refusal("Email already registered"));
            assertAnswer(replace("OTHER", MENDED), 404, NOT_FOUND);
            assertAnswer(
                    server.postAsAdmin("/update-license", "{\"key\":\"HURT\",\"record\":null}"),
                    400,
                    refusal("record must be the text of a license"));
        }

        private HttpResponse<String> replace(String key, String record) {
            return server.postAsAdmin(
                    "/update-license",
                    new JsonObject().put("key", key).put("record", record).encode());
        }

        @Test
        void is_not_deleted_by_the_address_that_leads_to_it() {
            assertAnswer(
                    server.postAsAdmin("/delete-license", "{\"email\":\"hurt@example.com\"}"),
                    500,
                    refusal("The stored license cannot be read"));
        }
    }

    private static String withoutHashes(String body) {
        return body.replaceAll("\"hash\":\"[A-Za-z0-9_-]{22}\"", "HASH");
    }

    private String register(String body) {
        HttpResponse<String> answer = server.postAsAdmin("/register-license", body);
        assertThat(answer.body()).contains("\"success\":true");
        return new JsonObject(answer.body()).getString("key");
    }

    private void activate(String machineId) {
        assertThat(server.post("/activate", machine(machineId)).statusCode()).isEqualTo(200);
    }

    /** An admin call on the license, with more fields behind its key. */
    private HttpResponse<String> post(String path, String more) {
        return server.postAsAdmin(path, "{\"key\":\"" + key + "\"" + more + "}");
    }

    private String info() {
        return info(key);
    }

    private String info(String ofKey) {
        return server.postAsAdmin("/license-info", "{\"key\":\"" + ofKey + "\"}")
                .body();
    }

    private void assertValidated(String machineId, String body) {
        assertAnswer(server.post("/validate", machine(machineId)), 200, body);
    }

    private String machine(String machineId) {
        return "{\"key\":\"" + key + "\",\"machineId\":\"" + machineId + "\"}";
    }

    private static String refusal(String message) {
        return "{\"success\":false,\"message\":\"" + message + "\"}";
    }

    private static void assertAnswer(HttpResponse<String> answer, int status, String body) {
        assertThat(answer.body()).isEqualTo(body);
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(answer.headers().allValues("content-type")).containsExactly("application/json");
    }
}
