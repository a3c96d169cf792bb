package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import licenseserver.RedisForTests;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import licenseserver.event.Outbox;
import licenseserver.license.Answer;
import licenseserver.license.Decision;
import licenseserver.license.Decision.Keep;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.license.Verdict;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.StoredLicense.Moving;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RedisLicenseStoreIT extends LicenseStoreContract {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);

    private static Vertx vertx;
    private static RedisLicenseStore store;
    private static Redis redis;

    private final SecureRandom random = new SecureRandom();
    private final Email email = Email.of(UUID.randomUUID() + "@example.com");

    @BeforeAll
    static void connect() {
        vertx = Vertx.vertx();
        store = anotherServer(RedisForTests.url());
        redis = Redis.createClient(vertx, RedisForTests.url());
    }

    @AfterAll
    static void disconnect() {
        await(vertx.close());
    }

    @Override
    LicenseStore store() {
        return store;
    }

    @Override
    void put(String name, String text) {
        send(redis, Command.SET, name, text);
    }

    @Override
    @Nullable
    String stored(String name) {
        Response text = send(redis, Command.GET, name);
        return text == null ? null : text.toString();
    }

    private static RedisLicenseStore anotherServer(String url) {
        return anotherServer(url, HISTORY);
    }

    private static RedisLicenseStore anotherServer(String url, HistorySettings history) {
        return anotherServer(RedisSettings.of(url), history);
    }

    private static RedisLicenseStore anotherServer(RedisSettings settings, HistorySettings history) {
        return new RedisLicenseStore(
                vertx,
                settings,
                RedisTopology.of(vertx, settings),
                TIMEOUT,
                new LicenseTurns(),
                history,
                NearCache.off(),
                new Outbox(settings.kind() == RedisSettings.Kind.CLUSTER));
    }

    private static Response send(Redis to, Command command, String... arguments) {
        Request request = Request.cmd(command);
        for (String argument : arguments) {
            request.arg(argument);
        }
        return await(to.send(request));
    }

    private License newLicense(int maxMachines) {
        return License.issue(LicenseKey.random(random), email, NOW, Terms.of(maxMachines));
    }

    private LicenseKey registered(int maxMachines) {
        return await(store.register(email, () -> newLicense(maxMachines))).key();
    }

    private static Future<Answer> activate(LicenseStore at, LicenseKey key, String machineId) {
        return at.update(key, license -> Rules.activate(license, machineId, null, Policy.NONE, NOW));
    }

    @Nested
    class Stored {
        @Test
        void are_a_json_string_under_the_key_and_the_key_under_the_email() {
            LicenseKey key = registered(3);

            assertThat(send(redis, Command.GET, "email:" + email.address()).toString())
                    .isEqualTo(key.value());
            assertThat(send(redis, Command.GET, "license:" + key.value()).toString())
                    .isEqualTo("{\"key\":\"" + key.value() + "\",\"email\":\"" + email.address()
                            + "\",\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":false,\"machines\":[]}");
        }

        @Test
        void are_recent_events_of_a_key_and_an_event_and_what_others_wrote_is_read() {
            try (RedisProcess own = RedisProcess.start()) {
                RedisLicenseStore there = anotherServer(own.url());
                String registered = "{\"n\":1,\"at\":1719000000000,\"what\":\"registered\",\"by\":\"admin\",\"to\":\""
                        + email.address() + "\",\"after\":";
                own.tell("XADD", "recent-events", "5-1", "key", "OLD-KEY", "event", registered + "\"x\"}");

                LicenseKey key =
                        await(there.register(email, () -> newLicense(1))).key();

                Wait.until("both are told", () -> await(there.recentEvents(9)).size() == 2);
                assertThat(await(there.recentEvents(9)).get(1))
                        .isEqualTo("{\"key\":\"OLD-KEY\"," + registered.substring(1) + "\"x\"}");
                assertThat(own.tell("GET", "email:" + email.address())).isEqualTo(key.value());
                String event = own.tell("LRANGE", "events:{license:" + key.value() + "}", "0", "-1");
                assertThat(event).startsWith(registered);
                assertThat(own.tell("XREVRANGE", "recent-events", "+", "-")
                                .lines()
                                .skip(1))
                        .containsExactly(
                                "key",
                                key.value(),
                                "event",
                                event,
                                "5-1",
                                "key",
                                "OLD-KEY",
                                "event",
                                registered + "\"x\"}");
                await(there.close());
            }
        }

        @Test
        void a_record_that_is_no_license_is_reported_without_its_content_and_kept() {
            LicenseKey key = LicenseKey.random(random);
            send(redis, Command.SET, "license:" + key.value(), "{\"key\":\"content\"}");

            assertThatThrownBy(() -> await(store.find(key)))
                    .isInstanceOf(UnreadableLicenseException.class)
                    .hasMessageContaining(key.toString())
                    .hasMessageNotContainingAny("content", key.value());
            assertThatThrownBy(() -> await(activate(store, key, "m"))).isInstanceOf(UnreadableLicenseException.class);
            assertThat(send(redis, Command.GET, "license:" + key.value()).toString())
                    .isEqualTo("{\"key\":\"content\"}");
        }
    }

    @Nested
    class In_a_cluster {
        /** Redis refuses a transaction whose keys lie in different slots, even if one server has them all. */
        @Test
        void a_record_that_names_another_key_is_written_in_the_slot_that_it_was_read_in() {
            try (RedisProcess cluster = RedisProcess.start("--cluster-enabled", "yes")) {
                var slots = new ArrayList<>(List.of("CLUSTER", "ADDSLOTS"));
                IntStream.range(0, 16_384).mapToObj(String::valueOf).forEach(slots::add);
                cluster.tell(slots.toArray(String[]::new));
                Wait.until(
                        "the cluster serves",
                        () -> cluster.tell("CLUSTER", "INFO").contains("cluster_state:ok"));
                RedisLicenseStore there =
                        anotherServer(RedisSettings.of(RedisSettings.Kind.CLUSTER, cluster.url()), HISTORY);
                License license = newLicense(1);
                LicenseKey name = LicenseKey.random(random);
                cluster.tell("SET", "license:" + name.value(), LicenseJson.encode(license));

                assertThat(await(activate(there, name, "one")).verdict()).isEqualTo(Verdict.OK);

                await(there.addSigns(List.of(Sign.of(name, "one", NOW.plusSeconds(7200)))));
                assertThat(await(activate(there, name, "two")).verdict()).isEqualTo(Verdict.LIMIT_EXCEEDED);
                assertThat(await(there.update(name, given -> Rules.setDisabled(given, true, null, NOW)))
                                .verdict())
                        .isEqualTo(Verdict.OK);
                assertThat(cluster.tell("GET", "license:" + name.value())).contains("\"lastSeenAt\":1719007200000");
                assertThat(cluster.tell("GET", "license:" + license.key().value()))
                        .isEmpty();
                await(there.close());
            }
        }
    }

    /** Whoever renames a record in Redis changes its key. */
    @Nested
    class Renamed {
        private final LicenseKey newName = LicenseKey.random(random);

        private void rename(LicenseKey key) {
            send(redis, Command.RENAME, "license:" + key.value(), "license:" + newName.value());
        }

        @Test
        void a_license_has_one_limit_under_its_new_name() {
            LicenseKey key = registered(1);
            rename(key);

            assertThat(await(activate(store, newName, "one")).verdict()).isEqualTo(Verdict.OK);
            for (String machine : List.of("two", "three", "four")) {
                assertThat(await(activate(store, newName, machine)).verdict()).isEqualTo(Verdict.LIMIT_EXCEEDED);
            }

            assertThat(await(store.find(newName)).orElseThrow().isActiveOn("one"))
                    .isTrue();
            assertThat(stored("license:" + key.value())).isNull();
        }

        /** The note of the move names the old key, and so do the licenses in it. */
        @Test
        void a_license_whose_move_stopped_on_its_way_finishes_it() {
            License license = newLicense(3);
            Email next = Email.of(UUID.randomUUID() + "@example.com");
            LicenseKey newKey = LicenseKey.random(random);
            License toEmail = Objects.requireNonNull(
                    Rules.update(license, terms -> terms, next, NOW).reply().license());
            for (License to : List.of(license.withKey(newKey), toEmail)) {
                LicenseKey expected = to.key().equals(newKey) ? newKey : newName;
                put("license:" + newName.value(), new Moving(license, to, List.of()).encode());

                await(activate(store, newName, "m"));

                assertThat(await(store.find(expected))).isPresent();
                assertThat(await(store.find(newName)).isPresent()).isEqualTo(expected.equals(newName));
                assertThat(stored("license:" + license.key().value())).isNull();
            }
        }
    }

    @Nested
    class A_register {
        @Test
        void heals_one_that_stopped_between_its_two_steps() {
            LicenseKey claimed = LicenseKey.random(random);
            send(redis, Command.SET, "email:" + email.address(), claimed.value());
            assertThat(await(store.findByEmail(email))).isEmpty();

            assertThat(await(store.register(email, () -> newLicense(3)))).isEqualTo(new Registration(true, claimed));

            assertThat(await(store.find(claimed)).orElseThrow().belongsTo(email))
                    .isTrue();
            assertThat(await(store.register(email, () -> newLicense(3)))).isEqualTo(new Registration(false, claimed));
        }

        @Test
        void does_not_follow_an_index_that_leads_to_the_license_of_another_email() {
            LicenseKey others = registered(3);
            Email mine = Email.of(UUID.randomUUID() + "@example.com");
            send(redis, Command.SET, "email:" + mine.address(), others.value());
            assertThat(await(store.findByEmail(mine))).isEmpty();

            Registration registration =
                    await(store.register(mine, () -> License.issue(LicenseKey.random(random), mine, NOW, Terms.of(3))));

            assertThat(registration.created()).isTrue();
            assertThat(registration.key()).isNotEqualTo(others);
            assertThat(await(store.findByEmail(mine)).orElseThrow().key()).isEqualTo(registration.key());
            assertThat(await(store.findByEmail(email)).orElseThrow().key()).isEqualTo(others);
        }
    }

    @Nested
    class An_update {
        @Test
        void loses_nothing_to_those_of_other_servers() {
            LicenseKey key = registered(1000);
            List<RedisLicenseStore> servers =
                    List.of(store, anotherServer(RedisForTests.url()), anotherServer(RedisForTests.url()));
            var updates = new ArrayList<Future<Answer>>();
            for (int i = 0; i < 120; i++) {
                updates.add(activate(servers.get(i % 3), key, "machine-" + i));
            }

            await(Future.all(updates));

            assertThat(await(store.find(key)).orElseThrow().machines()).hasSize(120);
        }

        @Test
        void needs_no_second_attempt_against_those_of_its_own_server() {
            LicenseKey key = registered(1000);
            var attempts = new AtomicInteger();
            var updates = new ArrayList<Future<Answer>>();
            for (int i = 0; i < 100; i++) {
                String machineId = "machine-" + i;
                updates.add(store.update(key, license -> {
                    attempts.incrementAndGet();
                    return Rules.activate(license, machineId, null, Policy.NONE, NOW);
                }));
            }

            await(Future.all(updates));

            // Each looks once before it tries.
            assertThat(attempts).hasValue(2 * 100);
            assertThat(await(store.find(key)).orElseThrow().machines()).hasSize(100);
        }

        @Test
        void gives_up_after_a_bounded_number_of_lost_races_and_changes_nothing() {
            LicenseKey key = registered(3);
            var attempts = new AtomicInteger();

            assertThatThrownBy(() -> await(store.update(key, license -> {
                        attempts.incrementAndGet();
                        // Another server writes between this one's read and its write, every time.
                        writeAtOnce("license:" + key.value(), LicenseJson.encode(license));
                        return Rules.activate(license, "loser", null, Policy.NONE, NOW);
                    })))
                    .isInstanceOf(StoreUnavailableException.class);

            // The look before the first attempt, and the attempts.
            assertThat(attempts).hasValue(1 + 20);
            assertThat(await(store.find(key)).orElseThrow().machines()).isEmpty();
        }

        /** Writes on a connection of its own and returns when it is done: the caller is an event loop. */
        private static void writeAtOnce(String key, String value) {
            URI uri = URI.create(RedisForTests.url());
            try (var socket = new Socket(uri.getHost(), uri.getPort())) {
                socket.setSoTimeout(5000);
                String command = "*3\r\n$3\r\nSET\r\n$" + key.length() + "\r\n" + key + "\r\n$" + value.length()
                        + "\r\n" + value + "\r\n";
                socket.getOutputStream().write(command.getBytes(StandardCharsets.US_ASCII));
                assertThat(socket.getInputStream().readNBytes(5)).asString().isEqualTo("+OK\r\n");
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Test
        void that_keeps_leaves_no_watch_to_the_next_borrower_of_its_connection() {
            for (int i = 0; i < 50; i++) {
                LicenseKey key = soldToAnother();
                LicenseKey kept = soldToAnother();
                assertThat(await(store.update(kept, changesItsMind(() -> new Keep<>(Verdict.NOT_FOUND)))))
                        .isEqualTo(Verdict.NOT_FOUND);
                // Were the WATCH still there, this write would abort the next EXEC on that connection.
                send(redis, Command.SET, "license:" + kept.value(), "anything");
                var attempts = new AtomicInteger();

                await(store.update(key, license -> {
                    attempts.incrementAndGet();
                    return Rules.activate(license, "m", null, Policy.NONE, NOW);
                }));

                assertThat(attempts).hasValue(2);
            }
        }

        private LicenseKey soldToAnother() {
            Email another = Email.of(UUID.randomUUID() + "@example.com");
            return await(store.register(
                            another, () -> License.issue(LicenseKey.random(random), another, NOW, Terms.of(3))))
                    .key();
        }

        /** Would change the license at the look before the attempt, and in the attempt decides otherwise. */
        private static Function<@Nullable License, Decision<Verdict>> changesItsMind(
                Supplier<Decision<Verdict>> second) {
            var looks = new AtomicInteger();
            return license -> looks.getAndIncrement() == 0
                    ? new Decision.Save<>(Objects.requireNonNull(license), List.of(), Verdict.OK)
                    : second.get();
        }

        @Test
        void that_fails_leaves_no_watch_either() {
            for (int i = 0; i < 50; i++) {
                LicenseKey failing = soldToAnother();
                assertThatThrownBy(() -> await(store.update(failing, changesItsMind(() -> {
                            throw new IllegalStateException("planted");
                        }))))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("planted");
                send(redis, Command.SET, "license:" + failing.value(), "anything");
            }
            LicenseKey key = registered(3);
            assertThat(await(activate(store, key, "m")).verdict()).isEqualTo(Verdict.OK);
        }

        @Test
        void keeps_no_history_where_none_is_wanted() {
            var forgetful = anotherServer(RedisForTests.url(), new HistorySettings(0, null, null));
            LicenseKey key = registered(3);
            int before = await(store.history(key)).events().size();

            assertThat(await(activate(forgetful, key, "m")).verdict()).isEqualTo(Verdict.OK);

            assertThat(await(store.history(key)).events()).hasSize(before);
            await(forgetful.close());
        }

        @Test
        void with_nothing_to_change_writes_nothing() {
            try (RedisProcess own = RedisProcess.start()) {
                RedisLicenseStore there = anotherServer(own.url());
                LicenseKey key =
                        await(there.register(email, () -> newLicense(1))).key();
                await(activate(there, key, "active"));
                await(there.told());
                Redis client = Redis.createClient(vertx, own.url());
                String before = writes(client);

                await(activate(there, key, "active"));
                await(activate(there, key, "one too many"));
                await(there.update(key, license -> Rules.deactivate(license, "not active", NOW)));
                await(there.find(key));
                await(there.findByEmail(email));

                assertThat(writes(client)).isEqualTo(before);
                await(there.update(key, license -> Rules.deactivate(license, "active", NOW)));
                assertThat(writes(client)).isNotEqualTo(before);
                await(client.close());
                await(there.close());
            }
        }

        private static String writes(Redis client) {
            return send(client, Command.INFO, "persistence")
                    .toString()
                    .lines()
                    .filter(line -> line.startsWith("rdb_changes_since_last_save"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
