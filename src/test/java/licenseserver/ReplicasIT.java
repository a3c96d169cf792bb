package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** With {@code REDIS_REPLICAS_TO_WAIT=1} nothing is confirmed that only one server of Redis has. */
class ReplicasIT {
    @Test
    void a_change_is_confirmed_when_a_replica_has_it_and_neither_is_its_repetition_before() {
        try (RedisProcess master =
                        RedisProcess.start("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0");
                RedisProcess replica = RedisProcess.start();
                TestServer server = TestServer.startReady(master.url(), "REDIS_REPLICAS_TO_WAIT", "1")) {
            follow(replica, master);
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

    private static void follow(RedisProcess replica, RedisProcess master) {
        replica.tell("REPLICAOF", "127.0.0.1", String.valueOf(master.port()));
        Wait.until(
                "the replica follows", () -> master.tell("INFO", "replication").contains("state=online"));
    }
}
