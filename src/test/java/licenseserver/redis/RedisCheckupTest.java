package licenseserver.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import licenseserver.redis.RedisCheckup.Finding;
import licenseserver.redis.RedisCheckup.Weight;
import licenseserver.redis.RedisSettings.Kind;
import org.junit.jupiter.api.Test;

/** What cannot be had from a Redis at hand. */
class RedisCheckupTest {
    private static final RedisNode MASTER = new RedisNode("redis.internal", 6379);

    private static List<Finding> wrong(Kind kind, int replicasToWait, Map<String, String> differences) {
        var info = new HashMap<>(Map.of(
                "redis_version", "7.2.4", "role", "master", "aof_enabled", "1", "maxmemory_policy", "noeviction"));
        info.putAll(differences);
        return RedisCheckup.byInfo("redis.internal:6379", kind, replicasToWait, info).stream()
                .filter(finding -> finding.weight() != Weight.FACT)
                .toList();
    }

    private static void assertThatOnly(List<Finding> findings, Weight weight, String part) {
        assertThat(findings).singleElement().satisfies(finding -> {
            assertThat(finding.weight()).isEqualTo(weight);
            assertThat(finding.sentence()).contains(part);
        });
    }

    @Test
    void finds_nothing_wrong_where_nothing_is() {
        assertThat(wrong(Kind.STANDALONE, 0, Map.of())).isEmpty();
        assertThat(wrong(Kind.SENTINEL, 1, Map.of("connected_slaves", "2"))).isEmpty();
        assertThat(RedisCheckup.bySkew(MASTER, Duration.ofMillis(-900))).isEmpty();
        assertThat(RedisCheckup.byAppendfsync(MASTER, "always")).isEmpty();
    }

    @Test
    void tells_a_release_that_gets_no_more_fixes() {
        for (String version : List.of("5.0.14", "6.0.16", "6.2.11", "7.0.15", "8.0.6")) {
            assertThatOnly(
                    wrong(Kind.STANDALONE, 0, Map.of("redis_version", version)),
                    Weight.NOTICE,
                    "redis.internal:6379: Redis " + version + " has had no security fixes");
        }
        for (String version : List.of("7.2.13", "7.4.8", "8.2.5", "8.10.0", "9.0.0", "255.255.255", "unknown")) {
            assertThat(wrong(Kind.STANDALONE, 0, Map.of("redis_version", version)))
                    .isEmpty();
        }
        assertThat(wrong(Kind.STANDALONE, 0, Map.of("redis_version", "6.2.4", "valkey_version", "7.2.5")))
                .isEmpty();
    }

    @Test
    void tells_another_topology_than_the_settings_say() {
        assertThatOnly(
                wrong(Kind.STANDALONE, 0, Map.of("redis_mode", "cluster")), Weight.ERROR, "REDIS_TOPOLOGY=cluster");
        assertThatOnly(
                wrong(Kind.STANDALONE, 0, Map.of("redis_mode", "sentinel", "aof_enabled", "0")),
                Weight.ERROR,
                "REDIS_TOPOLOGY=sentinel");
    }

    @Test
    void tells_what_a_failover_can_lose() {
        assertThatOnly(wrong(Kind.SENTINEL, 0, Map.of()), Weight.WARNING, "has no replica");
        assertThatOnly(
                wrong(Kind.CLUSTER, 0, Map.of("connected_slaves", "1")), Weight.WARNING, "REDIS_REPLICAS_TO_WAIT=1");
    }

    @Test
    void tells_a_full_disk_and_a_full_memory() {
        assertThatOnly(wrong(Kind.STANDALONE, 0, Map.of("aof_last_write_status", "err")), Weight.ERROR, "disk is full");
        assertThatOnly(
                wrong(Kind.STANDALONE, 0, Map.of("maxmemory", "1000", "used_memory", "950")),
                Weight.WARNING,
                "Raise maxmemory");
    }

    @Test
    void tells_clocks_that_differ() {
        assertThatOnly(
                RedisCheckup.bySkew(MASTER, Duration.ofSeconds(-7)), Weight.WARNING, "7 s behind this machine's");
        assertThatOnly(
                RedisCheckup.bySkew(MASTER, Duration.ofSeconds(7)), Weight.WARNING, "7 s ahead of this machine's");
    }
}
