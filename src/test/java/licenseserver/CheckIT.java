package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The program told to {@code check}. */
class CheckIT {
    private static final int FINE = 0;
    private static final int BROKEN = 1;
    private static final int RISKY = 3;

    /** What it exits with and says. */
    private record Checked(int status, String said) {}

    private static Checked check(Config config) throws InterruptedException {
        var said = new ByteArrayOutputStream();
        int status = Check.run(config, new PrintStream(said, true, StandardCharsets.UTF_8));
        return new Checked(status, said.toString(StandardCharsets.UTF_8));
    }

    private static Checked check(String url, String... settings) throws InterruptedException {
        return check(TestServer.config(url, settings));
    }

    @Test
    void finds_nothing_wrong_with_a_redis_that_keeps_what_it_confirms() throws Exception {
        try (RedisProcess redis = RedisProcess.start("--maxmemory-policy", "noeviction")) {
            Checked checked = check(redis.url(), "NEAR_CACHE", "true");

            assertThat(checked.status()).isEqualTo(FINE);
            assertThat(checked.said())
                    .contains("ok       127.0.0.1:" + redis.port() + ": Redis 6.2", "append-only file", "0 replicas")
                    .contains("notice   THE STORE IS NEW")
                    .doesNotContain("warning", "error");
            assertThat(redis.ask("DBSIZE")).isEqualTo("0");
        }
    }

    @Test
    void warns_where_data_can_be_lost() throws Exception {
        try (RedisProcess redis = RedisProcess.start(
                "--appendfsync", "everysec", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")) {
            Checked checked = check(redis.url());

            assertThat(checked.status()).isEqualTo(RISKY);
            assertThat(checked.said())
                    .containsPattern("warning .*Set appendfsync always\\.")
                    .containsPattern("warning .*Set maxmemory-policy noeviction\\.");
        }
        try (RedisProcess redis = RedisProcess.start("--appendonly", "no")) {
            assertThat(check(redis.url()).said()).containsPattern("warning .*Set appendonly yes\\.");
        }
    }

    @Test
    void tells_that_redis_is_away_or_refuses_the_password() throws Exception {
        Checked away = check("redis://user:hidden@127.0.0.1:" + RedisProcess.freePort());
        assertThat(away.status()).isEqualTo(BROKEN);
        assertThat(away.said()).contains("error ", "Redis refuses connections").doesNotContain("hidden");

        try (RedisProcess redis = RedisProcess.start("--requirepass", "right")) {
            Checked refused = check("redis://:hidden@127.0.0.1:" + redis.port());
            assertThat(refused.status()).isEqualTo(BROKEN);
            assertThat(refused.said()).containsPattern("error .*WRONGPASS").doesNotContain("hidden");
        }
    }

    @Test
    void names_the_rights_that_are_missing() throws Exception {
        try (RedisProcess redis = RedisProcess.start()) {
            redis.ask(
                    "ACL SETUSER app on >pass ~license:* ~email:* ~idempotency:* ~recent-events ~events:* ~store-identity* +@all -rpush -xadd");
            Checked checked = check("redis://app:pass@127.0.0.1:" + redis.port());

            assertThat(checked.status()).isEqualTo(BROKEN);
            assertThat(checked.said()).contains("RPUSH on events:{license:*}, XADD on recent-events.");

            redis.ask("ACL SETUSER app -info +rpush +xadd");
            Checked silent = check("redis://app:pass@127.0.0.1:" + redis.port());
            assertThat(silent.status()).isEqualTo(FINE);
            assertThat(silent.said()).contains("does not tell this user how it is set up");
        }
    }

    @Test
    void tells_a_replica_and_missing_replicas() throws Exception {
        try (RedisProcess master = RedisProcess.start();
                RedisProcess replica = RedisProcess.start("--replicaof", "127.0.0.1", String.valueOf(master.port()))) {
            Wait.until(
                    "the replica follows", () -> replica.ask("INFO replication").contains("master_link_status:up"));

            assertThat(check(replica.url()).said()).containsPattern("error .*is a replica");
            assertThat(check(master.url(), "REDIS_REPLICAS_TO_WAIT", "1").status())
                    .isEqualTo(FINE);
            Checked tooFew = check(master.url(), "REDIS_REPLICAS_TO_WAIT", "2");
            assertThat(tooFew.status()).isEqualTo(BROKEN);
            assertThat(tooFew.said()).contains("has 1 replicas, and 2 must have a change");
        }
    }

    @Test
    void needs_no_redis_where_the_server_starts_its_own() throws Exception {
        Checked checked = check(Config.load(Map.of()));

        assertThat(checked.status()).isEqualTo(FINE);
        assertThat(checked.said()).contains("a Redis of its own, with its data in data.");
    }
}
