package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.JsonObject;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import licenseserver.event.Happened;
import licenseserver.event.Outbox;
import licenseserver.event.Subscriber;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.redis.RedisNode;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisReader;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.StoreUnavailableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A server that dies between any two of its steps in Redis, while it changes a license or while it tells of the change. However it
 * dies, the sweep of another server brings every subscriber to the state of the last event.
 */
@SuppressWarnings("NullAway.Init") // each test begins with start
class OutboxCrashIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Instant NOW = Instant.ofEpochMilli(1_719_000_000_000L);
    private static final HistorySettings HISTORY = new HistorySettings(200, "a secret of this test", null);
    private static final int SLOTS = 16_384;
    private static final int MASTERS = 3;
    private static final int SWEEPS_OF_A_CLUSTER = 32;

    private enum Place {
        ONE_SERVER,
        CLUSTER
    }

    private final SecureRandom random = new SecureRandom();
    private final List<RedisProcess> servers = new ArrayList<>();
    private final Vertx vertx = Vertx.vertx();

    /** A view that outlives its servers, as one in Redis does: the licenses by their keys. */
    private final Map<LicenseKey, License> view = new ConcurrentHashMap<>();

    private RedisSettings settings;
    private RedisTopology topology;
    private RedisLicenseStore survivor;

    private void start(Place place) {
        if (place == Place.ONE_SERVER) {
            servers.add(RedisProcess.start());
        } else {
            for (int i = 0; i < MASTERS; i++) {
                servers.add(RedisProcess.start("--cluster-enabled", "yes"));
            }
            for (int i = 0; i < MASTERS; i++) {
                var slots = new ArrayList<>(List.of("CLUSTER", "ADDSLOTS"));
                for (int slot = i * SLOTS / MASTERS; slot < (i + 1) * SLOTS / MASTERS; slot++) {
                    slots.add(String.valueOf(slot));
                }
                servers.get(i).tell(slots.toArray(String[]::new));
                servers.get(i).tell("CLUSTER", "SET-CONFIG-EPOCH", String.valueOf(i + 1));
                servers.get(0)
                        .tell(
                                "CLUSTER",
                                "MEET",
                                "127.0.0.1",
                                String.valueOf(servers.get(i).port()));
            }
            Wait.until(
                    "the cluster works",
                    () -> servers.stream()
                            .allMatch(server -> server.tell("CLUSTER", "INFO").contains("cluster_state:ok")
                                    && server.tell("CLUSTER", "SLOTS")
                                                    .lines()
                                                    .filter("127.0.0.1"::equals)
                                                    .count()
                                            == MASTERS));
        }
        settings = new RedisSettings(
                place == Place.CLUSTER ? RedisSettings.Kind.CLUSTER : RedisSettings.Kind.STANDALONE,
                servers.stream()
                        .map(server -> new RedisNode("127.0.0.1", server.port()))
                        .toList(),
                false,
                null,
                null,
                0,
                null,
                null,
                null,
                0);
        topology = RedisTopology.of(vertx, settings);
        survivor = store(new RedisPool(vertx, settings, topology, TIMEOUT));
    }

    private RedisLicenseStore store(RedisPool pool) {
        var reader = new RedisReader(vertx, settings, topology, TIMEOUT);
        boolean isCluster = settings.kind() == RedisSettings.Kind.CLUSTER;
        var store = new RedisLicenseStore(
                vertx, pool, reader, TIMEOUT, new LicenseTurns(), HISTORY, NearCache.off(), new Outbox(isCluster));
        store.tell(List.of(follow(store)));
        return store;
    }

    private Subscriber follow(LicenseStore store) {
        return happened -> Future.join(happened.stream()
                .map(Happened::key)
                .map(key -> store.find(key)
                        .onSuccess(license ->
                                license.ifPresentOrElse(found -> view.put(key, found), () -> view.remove(key))))
                .toList());
    }

    @AfterEach
    void stop() {
        topology.close();
        await(vertx.close());
        servers.forEach(RedisProcess::close);
    }

    /** Does so many batches of commands, and then nothing. */
    private final class DyingPool extends RedisPool {
        private int batchesLeft;
        private boolean isDead;

        DyingPool(int batches) {
            super(vertx, settings, topology, TIMEOUT);
            batchesLeft = batches;
        }

        @Override
        public Future<List<Response>> send(RedisConnection connection, List<Request> commands) {
            if (batchesLeft == 0) {
                isDead = true;
                return Future.failedFuture(new StoreUnavailableException("dead"));
            }
            batchesLeft--;
            return super.send(connection, commands);
        }
    }

    private interface Operation {
        /** @return keys that the license may have afterwards, besides its own */
        Stream<LicenseKey> on(LicenseStore dying, License license);
    }

    /** Runs an operation on servers that die after one step, two steps, and so on; the keys that were in use. */
    private Set<LicenseKey> dieAfterEachStep(Operation operation) {
        var keys = new HashSet<LicenseKey>();
        int deaths = -1;
        boolean died = true;
        for (int batches = 0; died; batches++) {
            Email email = Email.of(UUID.randomUUID() + "@example.com");
            License license = License.issue(LicenseKey.random(random), email, NOW, Terms.of(3));
            await(survivor.register(email, () -> license));
            await(activate(survivor, license.key(), "laptop"));
            keys.add(license.key());
            var pool = new DyingPool(batches);
            RedisLicenseStore dying = store(pool);

            operation.on(dying, license).forEach(keys::add);
            // What it has changed it tells, as far as it gets.
            await(dying.close());
            died = pool.isDead;
            deaths++;
        }
        assertThat(deaths).isGreaterThan(3);
        return keys;
    }

    private static Future<?> activate(LicenseStore at, LicenseKey key, String machineId) {
        return at.update(key, license -> Rules.activate(license, machineId, null, Policy.NONE, NOW));
    }

    private boolean isOutboxEmpty() {
        return servers.stream()
                .noneMatch(server -> server.tell("KEYS", "outbox*")
                        .lines()
                        .anyMatch(name -> !name.isEmpty() && !name.equals("outbox-lease")));
    }

    private void sweepUntilAllIsTold() {
        await(survivor.told());
        Wait.until("all is told", () -> {
            for (int i = 0; i < (settings.kind() == RedisSettings.Kind.CLUSTER ? SWEEPS_OF_A_CLUSTER : 1); i++) {
                await(survivor.sweep());
            }
            return isOutboxEmpty();
        });
    }

    private void assertThatAllViewsAreRight(Set<LicenseKey> keys) {
        List<JsonObject> recent =
                await(survivor.recentEvents(1000)).stream().map(JsonObject::new).toList();
        for (LicenseKey key : keys) {
            Optional<License> license = await(survivor.find(key));
            assertThat(Optional.ofNullable(view.get(key))).isEqualTo(license);
            List<JsonObject> history = license.isEmpty()
                    ? List.of()
                    : await(survivor.history(key)).events().stream()
                            .map(JsonObject::new)
                            .toList();
            assertThat(recent.stream()
                            .filter(event -> event.getString("key").equals(key.value()))
                            .map(event -> {
                                JsonObject itself = event.copy();
                                itself.remove("key");
                                return itself;
                            }))
                    .containsExactlyInAnyOrderElementsOf(history);
        }
    }

    private void survives(Place place, Operation operation) {
        start(place);

        Set<LicenseKey> keys = dieAfterEachStep(operation);
        sweepUntilAllIsTold();

        assertThatAllViewsAreRight(keys);
    }

    @ParameterizedTest
    @EnumSource
    void while_it_activates_a_machine(Place place) {
        survives(place, (dying, license) -> {
            await(activate(dying, license.key(), "desktop").otherwiseEmpty());
            return Stream.empty();
        });
    }

    @ParameterizedTest
    @EnumSource
    void while_it_registers(Place place) {
        survives(place, (dying, license) -> {
            Email email = Email.of(UUID.randomUUID() + "@example.com");
            License other = License.issue(LicenseKey.random(random), email, NOW, Terms.of(3));
            await(dying.register(email, () -> other).otherwiseEmpty());
            return Stream.of(other.key());
        });
    }

    @ParameterizedTest
    @EnumSource
    void while_it_changes_an_email(Place place) {
        survives(place, (dying, license) -> {
            Email email = Email.of(UUID.randomUUID() + "@example.com");
            await(dying.update(license.key(), old -> Rules.update(old, terms -> terms, email, NOW))
                    .otherwiseEmpty());
            return Stream.empty();
        });
    }

    @ParameterizedTest
    @EnumSource
    void while_it_activates_a_machine_and_then_rotates_the_key(Place place) {
        survives(place, (dying, license) -> {
            LicenseKey newKey = LicenseKey.random(random);
            await(activate(dying, license.key(), "desktop").otherwiseEmpty());
            await(dying.update(license.key(), old -> Rules.rotateKey(old, newKey, true, NOW))
                    .otherwiseEmpty());
            return Stream.of(newKey);
        });
    }

    @ParameterizedTest
    @EnumSource
    void while_it_activates_a_machine_and_another_server_rotates_the_key(Place place) {
        survives(place, (dying, license) -> {
            LicenseKey newKey = LicenseKey.random(random);
            await(activate(dying, license.key(), "desktop").otherwiseEmpty());
            await(survivor.update(license.key(), old -> Rules.rotateKey(old, newKey, true, NOW)));
            return Stream.of(newKey);
        });
    }

    @ParameterizedTest
    @EnumSource
    void while_it_deletes_a_license(Place place) {
        var emails = new ArrayList<Email>();
        survives(place, (dying, license) -> {
            emails.add(Email.of(license.email()));
            await(dying.update(license.key(), old -> Rules.delete(old, NOW)).otherwiseEmpty());
            return Stream.empty();
        });
        for (Email email : emails) {
            // Whoever was found is not being deleted any more; whoever was not has left nothing.
            boolean isThere = await(survivor.findByEmail(email)).isPresent();
            assertThat(await(survivor.recentEvents(1000)).stream().anyMatch(event -> event.contains(email.address())))
                    .isEqualTo(isThere);
            assertThat(servers.stream()
                            .flatMap(server -> server.tell("KEYS", "license:*")
                                    .lines()
                                    .filter(name -> !name.isEmpty())
                                    .map(name -> server.tell("GET", name)))
                            .anyMatch(record -> record.contains(email.address())))
                    .isEqualTo(isThere);
        }
    }

    @Test
    void while_it_sweeps() {
        start(Place.ONE_SERVER);
        var keys = new HashSet<LicenseKey>();
        boolean died = true;
        for (int batches = 0; died; batches++) {
            var abandoned = new DyingPool(Integer.MAX_VALUE);
            RedisLicenseStore dead = store(abandoned);
            License license = License.issue(
                    LicenseKey.random(random), Email.of(UUID.randomUUID() + "@example.com"), NOW, Terms.of(3));
            LicenseKey newKey = LicenseKey.random(random);
            await(survivor.register(Email.of(license.email()), () -> license));
            await(dead.update(license.key(), old -> Rules.rotateKey(old, newKey, true, NOW)));
            abandoned.batchesLeft = 0;
            await(dead.close());
            keys.addAll(List.of(license.key(), newKey));
            long changed = System.currentTimeMillis();
            Wait.until("it is time to sweep", () -> System.currentTimeMillis() - changed > 600);
            servers.get(0).tell("DEL", "outbox-lease");
            var pool = new DyingPool(batches);
            RedisLicenseStore dying = store(pool);

            await(dying.sweep().otherwiseEmpty());
            died = pool.isDead;
            await(dying.close());
        }
        servers.get(0).tell("DEL", "outbox-lease");

        sweepUntilAllIsTold();

        assertThatAllViewsAreRight(keys);
    }

    @Test
    void and_only_one_server_sweeps_at_a_time() {
        start(Place.ONE_SERVER);
        String left = "1-left-1";
        RedisLicenseStore other = store(new RedisPool(vertx, settings, topology, TIMEOUT));
        servers.get(0).tell("SET", "outbox-lease", "a third one", "PX", "60000");
        servers.get(0).tell("HSET", "outbox", left, "{\"key\":\"A\"}");

        await(survivor.sweep());
        await(other.sweep());
        assertThat(servers.get(0).tell("HGET", "outbox", left)).isEqualTo("{\"key\":\"A\"}");

        servers.get(0).tell("DEL", "outbox-lease");
        await(other.sweep());
        assertThat(isOutboxEmpty()).isTrue();
        await(other.close());
    }

    @Test
    void what_no_server_has_written_is_removed() {
        start(Place.ONE_SERVER);
        servers.get(0).tell("HSET", "outbox", "x", "y", "-", "{\"key\":\"A\",\"event\":1}");

        await(survivor.sweep());

        assertThat(isOutboxEmpty()).isTrue();
    }
}
