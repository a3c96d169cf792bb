package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import licenseserver.FaultLoad.Outcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One master, two replicas and three sentinels, and what is done to them under load. Replication is asynchronous, so a failover
 * may lose changes that were confirmed in its last moments; with these faults it loses none.
 */
@Tag("minutes")
class SentinelIT {
    private static final String NAME = "licenses";

    /** Two seconds until a master counts as down, and what sentinels and server then need. */
    private static final Duration LONGEST_OUTAGE = Duration.ofSeconds(6);

    private static final List<String> SETTINGS = List.of("", "REDIS_REPLICAS_TO_WAIT=1", "NEAR_CACHE=true");

    private static final List<RedisProcess> SERVERS = new ArrayList<>();
    private static final List<RedisProcess> SENTINELS = new ArrayList<>();

    @BeforeAll
    static void start() {
        for (int i = 0; i < 3; i++) {
            SERVERS.add(RedisProcess.start("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"));
        }
        SERVERS.forEach(RedisUser::create);
        String first = String.valueOf(SERVERS.get(0).port());
        for (RedisProcess replica : SERVERS.subList(1, 3)) {
            replica.tell("REPLICAOF", "127.0.0.1", first);
            replica.tell("CONFIG", "REWRITE");
        }
        for (int i = 0; i < 3; i++) {
            SENTINELS.add(RedisProcess.startSentinel(
                    "sentinel monitor " + NAME + " 127.0.0.1 " + first + " 2",
                    "sentinel down-after-milliseconds " + NAME + " 2000",
                    "sentinel failover-timeout " + NAME + " 6000",
                    "sentinel parallel-syncs " + NAME + " 2"));
        }
    }

    @AfterAll
    static void stop() {
        SERVERS.forEach(RedisProcess::close);
        SENTINELS.forEach(RedisProcess::close);
    }

    @BeforeEach
    void all_is_well() {
        Wait.until("a master has two replicas and three sentinels", SentinelIT::isWell);
    }

    private static boolean isWell() {
        try {
            boolean agreed = SENTINELS.stream()
                    .map(sentinel -> sentinel.tell("SENTINEL", "MASTER", NAME))
                    .allMatch(state -> state.contains("flags\nmaster\n")
                            && state.contains("num-slaves\n2")
                            && state.contains("num-other-sentinels\n2"));
            long addresses =
                    SENTINELS.stream().map(SentinelIT::named).distinct().count();
            String replication = master().tell("INFO", "replication");
            return agreed
                    && addresses == 1
                    && replication.contains("role:master")
                    && replication.contains("connected_slaves:2")
                    && !replication.contains("state=wait")
                    && !replication.contains("state=send");
        } catch (RuntimeException notYet) {
            return false;
        }
    }

    private static String named(RedisProcess sentinel) {
        return sentinel.tell("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
    }

    private static RedisProcess master() {
        String address = named(SENTINELS.get(0));
        return SERVERS.stream()
                .filter(server -> address.equals("127.0.0.1\n" + server.port()))
                .findFirst()
                .orElseThrow();
    }

    private static boolean isReplica(RedisProcess server) {
        try {
            return server.tell("ROLE").startsWith("slave");
        } catch (UncheckedIOException notYet) {
            // A master that is demoted closes its connections.
            return false;
        }
    }

    /** @param setting its name, {@code =}, and its value; empty for none */
    private static TestServer server(String setting) {
        String sentinels = SENTINELS.stream()
                .map(sentinel -> "127.0.0.1:" + sentinel.port())
                .collect(Collectors.joining(","));
        var settings = new ArrayList<>(List.of("REDIS_TOPOLOGY", "sentinel", "REDIS_SENTINEL_MASTER", NAME));
        if (!setting.isEmpty()) {
            settings.addAll(List.of(setting.split("=", 2)));
        }
        return TestServer.startReady("redis://" + RedisUser.LOGIN + "@" + sentinels, settings.toArray(String[]::new));
    }

    private interface Fault {
        void happen(FaultLoad load);
    }

    private static void measure(String name, String setting, Fault fault) {
        try (TestServer server = server(setting)) {
            FaultLoad load = FaultLoad.start(server.calls());
            fault.happen(load);
            load.goOn();
            Wait.until("all is well", SentinelIT::isWell);
            load.goOn();
            Outcome outcome = load.stop();
            System.out.println(outcome.row("Sentinel", name, setting));
            assertThat(outcome.overLimit()).isEmpty();
            assertThat(outcome.wrongAnswers()).isEmpty();
            assertThat(outcome.lost()).isZero();
            assertThat(outcome.longestOutage()).isLessThanOrEqualTo(LONGEST_OUTAGE);
        }
    }

    @Test
    void goes_on_when_the_master_is_killed() {
        for (String setting : SETTINGS) {
            all_is_well();
            measure("the master is killed (`kill -9`)", setting, load -> {
                RedisProcess old = master();
                old.kill();
                Wait.until("there is another master", () -> !master().equals(old));
                load.goOn();
                old.startAgain();
            });
        }
    }

    @Test
    void goes_on_when_the_master_is_frozen_and_does_not_follow_it_when_it_thaws() {
        for (String setting : SETTINGS) {
            all_is_well();
            measure("the master is frozen, and thaws", setting, load -> {
                RedisProcess old = master();
                old.freeze();
                Wait.until("there is another master", () -> !master().equals(old));
                load.goOn();
                old.thaw();
                Wait.until("it is a replica", () -> isReplica(old));
            });
        }
    }

    @Test
    void goes_on_when_a_replica_is_promoted_by_hand() {
        measure("a replica is promoted (`SENTINEL FAILOVER`)", "", load -> {
            RedisProcess old = master();
            SENTINELS.get(0).tell("SENTINEL", "FAILOVER", NAME);
            Wait.until("there is another master", () -> !master().equals(old));
        });
    }

    @Test
    void goes_on_while_every_server_and_every_sentinel_is_restarted_in_turn() {
        measure("every server and sentinel is restarted in turn", "", load -> {
            for (RedisProcess each : List.copyOf(SENTINELS)) {
                each.shutDown();
                load.goOn();
                each.startAgain();
                Wait.until("all is well", SentinelIT::isWell);
            }
            for (RedisProcess each : List.copyOf(SERVERS)) {
                each.shutDown();
                load.goOn();
                each.startAgain();
                Wait.until("all is well", SentinelIT::isWell);
            }
        });
    }
}
