package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import licenseserver.FaultLoad.Outcome;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A Redis Cluster of three masters with a replica each, and what is done to it under load. Replication is asynchronous, so a
 * failover may lose changes that were confirmed in its last moments; with these faults it loses none.
 */
@Tag("minutes")
class ClusterIT {
    private static final int SLOTS = 16_384;

    /** One second until a master counts as down, and what the other masters and the server then need. */
    private static final Duration LONGEST_OUTAGE = Duration.ofSeconds(4);

    private static final String WAIT = "REDIS_REPLICAS_TO_WAIT=1";
    private static final List<RedisProcess> SERVERS = new ArrayList<>();

    @BeforeAll
    static void start() {
        for (int i = 0; i < 6; i++) {
            SERVERS.add(RedisProcess.start(
                    "--cluster-enabled",
                    "yes",
                    "--cluster-node-timeout",
                    "1000",
                    "--repl-diskless-sync",
                    "yes",
                    "--repl-diskless-sync-delay",
                    "0"));
        }
        SERVERS.forEach(RedisUser::create);
        for (int i = 0; i < 3; i++) {
            var slots = new ArrayList<>(List.of("CLUSTER", "ADDSLOTS"));
            for (int slot = i * SLOTS / 3; slot < (i + 1) * SLOTS / 3; slot++) {
                slots.add(String.valueOf(slot));
            }
            SERVERS.get(i).tell(slots.toArray(String[]::new));
            SERVERS.get(i).tell("CLUSTER", "SET-CONFIG-EPOCH", String.valueOf(i + 1));
        }
        for (RedisProcess other : SERVERS.subList(1, 6)) {
            SERVERS.get(0).tell("CLUSTER", "MEET", "127.0.0.1", String.valueOf(other.port()));
        }
        Wait.until(
                "all know all",
                () -> SERVERS.stream()
                        .allMatch(server ->
                                server.tell("CLUSTER", "NODES").lines().count() == 6));
        for (int i = 0; i < 3; i++) {
            SERVERS.get(i + 3).tell("CLUSTER", "REPLICATE", id(SERVERS.get(i)));
        }
    }

    @AfterAll
    static void stop() {
        SERVERS.forEach(RedisProcess::close);
    }

    @BeforeEach
    void all_is_well() {
        Wait.until("three masters have a replica each", ClusterIT::isWell);
    }

    private static boolean isWell() {
        try {
            return masters().size() == 3
                    && SERVERS.stream().allMatch(server -> {
                        String nodes = server.tell("CLUSTER", "NODES");
                        return server.tell("CLUSTER", "INFO").contains("cluster_state:ok")
                                && !nodes.contains("fail")
                                && !nodes.contains("disconnected")
                                && nodes.lines().filter(node -> hasSlots(node)).count() == 3
                                && (isMaster(server)
                                        ? server.tell("INFO", "replication").contains("state=online")
                                        : server.tell("ROLE").contains("connected"));
                    });
        } catch (RuntimeException notYet) {
            return false;
        }
    }

    private static boolean hasSlots(String node) {
        return node.split(" ", -1).length > 8;
    }

    private static String id(RedisProcess server) {
        return server.tell("CLUSTER", "MYID");
    }

    private static boolean isMaster(RedisProcess server) {
        return server.tell("ROLE").startsWith("master");
    }

    private static List<RedisProcess> masters() {
        return SERVERS.stream().filter(ClusterIT::isMaster).toList();
    }

    /** The server that others take for the master of a slot. */
    private static RedisProcess masterOf(int slot, RedisProcess asked) {
        List<String> lines = asked.tell("CLUSTER", "SLOTS").lines().toList();
        for (int i = 0; i + 4 < lines.size(); i++) {
            boolean isRange = lines.get(i + 2).equals("127.0.0.1");
            if (isRange
                    && lines.get(i).matches("\\d+")
                    && lines.get(i + 1).matches("\\d+")
                    && Integer.parseInt(lines.get(i)) <= slot
                    && slot <= Integer.parseInt(lines.get(i + 1))) {
                int port = Integer.parseInt(lines.get(i + 3));
                return SERVERS.stream()
                        .filter(server -> server.port() == port)
                        .findFirst()
                        .orElseThrow();
            }
        }
        throw new IllegalStateException("nobody has slot " + slot);
    }

    private static RedisProcess replicaOf(RedisProcess master) {
        return SERVERS.stream()
                .filter(server -> server.tell("ROLE").startsWith("slave\n127.0.0.1\n" + master.port() + "\n"))
                .findFirst()
                .orElseThrow();
    }

    /** @param setting its name, {@code =}, and its value; empty for none */
    private static TestServer server(String setting) {
        String seeds =
                SERVERS.stream().map(server -> "127.0.0.1:" + server.port()).collect(Collectors.joining(","));
        var settings = new ArrayList<>(List.of("REDIS_TOPOLOGY", "cluster"));
        if (!setting.isEmpty()) {
            settings.addAll(List.of(setting.split("=", 2)));
        }
        return TestServer.startReady("redis://" + RedisUser.LOGIN + "@" + seeds, settings.toArray(String[]::new));
    }

    @Test
    void signs_of_life_are_stored_on_the_master_of_their_license() {
        List<String> keys = IntStream.range(0, 30)
                .mapToObj(number -> "SEEN-%02d".formatted(number))
                .toList();
        try (TestServer server = server("")) {
            for (String key : keys) {
                master(key)
                        .tell(
                                "SET",
                                "license:" + key,
                                "{\"key\":\"" + key + "\",\"email\":\"" + key
                                        + "@example.com\",\"createdAt\":1719000000000,"
                                        + "\"maxMachines\":3,\"disabled\":false,"
                                        + "\"machines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000000}]}");
                assertThat(server.calls().validate(key, "laptop").succeeded()).isTrue();
            }
        }

        assertThat(keys.stream().map(ClusterIT::master).distinct()).hasSize(3);
        assertThat(keys)
                .allSatisfy(key -> assertThat(master(key).tell("HLEN", "seen:{license:" + key + "}"))
                        .isEqualTo("1"));
    }

    private static RedisProcess master(String key) {
        RedisProcess any = masters().get(0);
        return masterOf(Integer.parseInt(any.tell("CLUSTER", "KEYSLOT", "license:" + key)), any);
    }

    private interface Fault {
        void happen(FaultLoad load);
    }

    private static void measure(String name, String setting, Fault fault) {
        try (TestServer server = server(setting)) {
            FaultLoad load = FaultLoad.start(server.calls());
            fault.happen(load);
            load.goOn();
            Wait.until("all is well", ClusterIT::isWell);
            load.goOn();
            Outcome outcome = load.stop();
            System.out.println(outcome.row("Cluster", name, setting));
            assertThat(outcome.overLimit()).isEmpty();
            assertThat(outcome.wrongAnswers()).isEmpty();
            assertThat(outcome.lost()).isZero();
            assertThat(outcome.longestOutage()).isLessThanOrEqualTo(LONGEST_OUTAGE);
        }
    }

    @Test
    void goes_on_when_a_master_is_killed() {
        for (String setting : List.of("", WAIT, "NEAR_CACHE=true")) {
            all_is_well();
            measure("a master is killed (`kill -9`)", setting, load -> {
                RedisProcess old = masters().get(0);
                RedisProcess next = replicaOf(old);
                old.kill();
                Wait.until("there is another master", () -> isMaster(next));
                if (!setting.equals(WAIT)) {
                    // With a replica to wait for, the new master confirms nothing before it has one.
                    load.goOn();
                }
                old.startAgain();
            });
        }
    }

    @Test
    void goes_on_when_a_master_is_frozen_and_does_not_follow_it_when_it_thaws() {
        measure("a master is frozen, and thaws", "", load -> {
            RedisProcess old = masters().get(0);
            RedisProcess next = replicaOf(old);
            old.freeze();
            Wait.until("there is another master", () -> isMaster(next));
            load.goOn();
            old.thaw();
            Wait.until("it is a replica", () -> !isMaster(old));
        });
    }

    @Test
    void goes_on_when_a_replica_is_promoted_by_hand() {
        measure("a replica is promoted (`CLUSTER FAILOVER`)", "", load -> {
            RedisProcess next = replicaOf(masters().get(0));
            next.tell("CLUSTER", "FAILOVER");
            Wait.until("it is the master", () -> isMaster(next));
        });
    }

    @Test
    void goes_on_when_slots_move_to_another_master() {
        measure("slots with keys are moved to another master", "", load -> {
            RedisProcess from = masters().get(0);
            RedisProcess to = masters().get(1);
            for (String key : load.keys()) {
                int slot = Integer.parseInt(from.tell("CLUSTER", "KEYSLOT", "license:" + key));
                if (masterOf(slot, from) == from) {
                    move(slot, from, to);
                }
            }
        });
    }

    /** As {@code redis-cli --cluster reshard} does it. */
    private static void move(int slot, RedisProcess from, RedisProcess to) {
        String number = String.valueOf(slot);
        to.tell("CLUSTER", "SETSLOT", number, "IMPORTING", id(from));
        from.tell("CLUSTER", "SETSLOT", number, "MIGRATING", id(to));
        for (String key :
                from.tell("CLUSTER", "GETKEYSINSLOT", number, "100").lines().toList()) {
            from.tell("MIGRATE", "127.0.0.1", String.valueOf(to.port()), key, "0", "1000");
        }
        to.tell("CLUSTER", "SETSLOT", number, "NODE", id(to));
        from.tell("CLUSTER", "SETSLOT", number, "NODE", id(to));
        masters().forEach(master -> master.tell("CLUSTER", "SETSLOT", number, "NODE", id(to)));
        Wait.until(
                "all know who has the slot", () -> SERVERS.stream().allMatch(server -> masterOf(slot, server) == to));
    }

    @Test
    void goes_on_while_every_server_is_restarted_in_turn() {
        measure("every server is restarted in turn", "", load -> {
            for (RedisProcess each : List.copyOf(SERVERS)) {
                each.shutDown();
                load.goOn();
                each.startAgain();
                Wait.until("all is well", ClusterIT::isWell);
            }
        });
    }
}
