package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import licenseserver.FaultProxy.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a confirmed change is worth where there is a replica, by the settings of the server and of Redis. */
class ReplicasIT {
    /** More than a test activates in the time that Redis takes to miss a replica. */
    private static final int MANY = 10_000;

    private final RedisProcess master =
            RedisProcess.start("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0");
    private final FaultProxy wayToMaster = new FaultProxy(master.port());
    private final RedisProcess replica = RedisProcess.start();

    @BeforeEach
    void follow() {
        String proxy = wayToMaster.url();
        replica.tell("REPLICAOF", "127.0.0.1", proxy.substring(proxy.lastIndexOf(':') + 1));
        Wait.until(
                "the replica follows", () -> master.tell("INFO", "replication").contains("state=online"));
    }

    @AfterEach
    void stop() {
        replica.close();
        wayToMaster.close();
        master.close();
    }

    @Test
    void a_change_is_confirmed_when_a_replica_has_it_and_neither_is_its_repetition_before() {
        try (TestServer server = TestServer.startReady(master.url(), "REDIS_REPLICAS_TO_WAIT", "1")) {
            HttpCalls calls = server.calls();
            String key = calls.register(Concurrency.randomEmail());
            assertThat(calls.activate(key, "first").status()).isEqualTo(200);

            replica.freeze();
            assertThat(calls.activate(key, "second").status()).isEqualTo(503);
            // It is there by now, so nothing is written for this one; but it is there only once.
            assertThat(calls.activate(key, "second").status()).isEqualTo(503);

            replica.thaw();
            assertThat(calls.activate(key, "second").status()).isEqualTo(200);
            assertThat(calls.license(key).getJsonArray("machines")).hasSize(2);
        }
    }

    /**
     * What was confirmed while no replica was told, and is gone when one becomes master.
     *
     * @param confirmed how many activations were
     * @param refused whether one was refused in the end
     */
    private record Cut(int confirmed, int lost, boolean refused) {}

    /** Cuts the replica off, activates machines until one is refused or so many are active, loses the master, and promotes the replica. */
    private Cut cutOff(int most, String... settings) {
        String key;
        var confirmed = new ArrayList<String>();
        boolean refused = false;
        long begin;
        var all = new ArrayList<>(List.of("MAX_MACHINES", String.valueOf(MANY)));
        all.addAll(List.of(settings));
        try (TestServer server = TestServer.startReady(master.url(), all.toArray(String[]::new))) {
            HttpCalls calls = server.calls();
            key = calls.register(Concurrency.randomEmail());
            assertThat(calls.activate(key, "before").status()).isEqualTo(200);
            Wait.until(
                    "the replica has all that came before",
                    () -> replica.tell("GET", "license:" + key).contains("before"));
            wayToMaster.all(Fault.BLACK_HOLE);
            begin = System.nanoTime();
            while (confirmed.size() < most && !refused) {
                String machine = "machine-" + confirmed.size();
                int status = calls.activate(key, machine).status();
                if (status == 200) {
                    confirmed.add(machine);
                } else {
                    assertThat(status).isEqualTo(503);
                    refused = true;
                }
            }
        }
        System.out.printf(
                "%s: %d confirmed in %d ms without a replica, then %s%n",
                List.of(settings),
                confirmed.size(),
                Duration.ofNanos(System.nanoTime() - begin).toMillis(),
                refused ? "refused" : "stopped");
        master.kill();
        replica.tell("REPLICAOF", "NO", "ONE");
        try (TestServer server = TestServer.startReady(replica.url())) {
            assertThat(server.calls().validate(key, "before").succeeded()).isTrue();
            int lost = 0;
            for (String machine : confirmed) {
                lost += server.calls().validate(key, machine).succeeded() ? 0 : 1;
            }
            return new Cut(confirmed.size(), lost, refused);
        }
    }

    @Test
    void without_more_all_that_no_replica_was_told_is_lost_with_the_master() {
        Cut cut = cutOff(200);

        assertThat(cut).isEqualTo(new Cut(200, 200, false));
    }

    @Test
    void a_server_that_waits_for_a_replica_confirms_nothing_that_is_lost() {
        Cut cut = cutOff(200, "REDIS_REPLICAS_TO_WAIT", "1");

        assertThat(cut).isEqualTo(new Cut(0, 0, true));
    }

    @Test
    void a_redis_that_wants_a_replica_bounds_what_is_lost_to_the_time_until_it_misses_it() {
        master.tell("CONFIG", "SET", "min-replicas-to-write", "1");
        master.tell("CONFIG", "SET", "min-replicas-max-lag", "1");
        Cut cut = cutOff(MANY);

        assertThat(cut.refused()).isTrue();
        assertThat(cut.lost()).isEqualTo(cut.confirmed()).isPositive();
    }
}
