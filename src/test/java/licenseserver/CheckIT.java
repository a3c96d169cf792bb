package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import licenseserver.redis.embedded.DataFolder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program told to {@code check}. */
class CheckIT {
    @TempDir
    Path folder;

    private static final int FINE = 0;
    private static final int BROKEN = 1;
    private static final int RISKY = 3;

    /** What it exits with and says. */
    private record Checked(int status, String said) {}

    private static Checked check(Configuration config) throws InterruptedException {
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
                    .containsPattern("ok       127\\.0\\.0\\.1:" + redis.port() + ": (Redis|Valkey) \\d")
                    .contains("append-only file", "0 replicas")
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
    void warns_if_histories_are_kept_but_not_signed() throws Exception {
        try (RedisProcess redis = RedisProcess.start()) {
            Checked checked = check(redis.url(), "HISTORY_SECRET", "");

            assertThat(checked.status()).isEqualTo(RISKY);
            assertThat(checked.said()).containsOnlyOnce("warning  HISTORY_SECRET is not set: ");
            assertThat(check(redis.url(), "HISTORY_SECRET", "", "HISTORY_EVENTS", "0")
                            .status())
                    .isEqualTo(FINE);
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
                    "ACL SETUSER app on >pass ~license:* ~email:* ~idempotency:* ~recent-events ~events:* ~seen:* ~outbox* ~store-identity* +@all -rpush -xadd -hscan");
            Checked checked = check("redis://app:pass@127.0.0.1:" + redis.port());

            assertThat(checked.status()).isEqualTo(BROKEN);
            assertThat(checked.said())
                    .contains("RPUSH on events:{license:*}, XADD on recent-events, HSCAN on outbox*.");

            redis.ask("ACL SETUSER app -info +rpush +xadd +hscan");
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

    private Configuration own(String... settings) {
        var environment = new HashMap<>(Map.of("HOST", "127.0.0.1", "PORT", "0", "DATA_DIR", data().toString()));
        for (int i = 0; i < settings.length; i += 2) {
            environment.put(settings[i], settings[i + 1]);
        }
        return Configuration.load(environment);
    }

    private Path data() {
        return folder.resolve("data");
    }

    @Test
    void needs_no_redis_if_the_server_starts_its_own_and_changes_nothing() throws Exception {
        Checked checked = check(own());

        assertThat(checked.status()).isEqualTo(FINE);
        assertThat(checked.said())
                .containsPattern("ok       Port 0 on 127.0.0.1 is free")
                .containsPattern(
                        "ok .* a Redis of its own \\((Redis|Valkey) \\d+\\.\\d+\\.\\d+, .*\\), with its data in "
                                + Pattern.quote(data() + ", which holds none yet."));
        assertThat(folder).isEmptyDirectory();

        Files.createDirectories(data().resolve("redis"));
        assertThat(check(own()).said()).contains("with its data in " + data() + ".");
        assertThat(data().resolve("redis")).isEmptyDirectory();
    }

    @Test
    void finds_a_taken_port() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                RedisProcess redis = RedisProcess.start()) {
            String port = String.valueOf(taken.getLocalPort());
            for (Checked checked : List.of(check(own("PORT", port)), check(redis.url(), "PORT", port))) {
                assertThat(checked.status()).isEqualTo(BROKEN);
                assertThat(checked.said()).contains("error    Port " + port + " on 127.0.0.1 cannot be listened on");
            }
        }
    }

    @Test
    void finds_a_folder_that_another_server_uses() throws Exception {
        DataFolder used = DataFolder.open(data());
        try (used) {
            Checked checked = check(own());

            assertThat(checked.status()).isEqualTo(BROKEN);
            assertThat(checked.said()).contains("error    The data folder " + data() + " is in use");
        }
        assertThat(check(own()).status()).isEqualTo(FINE);
    }

    @Test
    void finds_a_folder_that_cannot_be_written() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));
        for (Path unusable : List.of(file, file.resolve("data"))) {
            Checked checked = check(own("DATA_DIR", unusable.toString()));

            assertThat(checked.status()).isEqualTo(BROKEN);
            assertThat(checked.said()).contains("error    The data folder " + unusable + " cannot be written");
        }
    }

    @Test
    void finds_a_redis_that_cannot_run() throws Exception {
        Path program = folder.resolve("bin/redis-server");
        Files.createDirectories(program.getParent());
        Files.writeString(program, "#!/bin/sh\necho 'libssl.so.3: cannot open shared object file' >&2\nexit 127\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        assertThatIsBroken(program, "libssl.so.3: cannot open shared object file");
    }

    @Test
    void finds_data_of_a_newer_redis() throws Exception {
        Path program = folder.resolve("bin/redis-server");
        Files.createDirectories(program.getParent());
        Files.createDirectories(data().resolve("redis/appendonlydir"));
        Files.writeString(program, "#!/bin/sh\necho 'Redis server v=6.2.14 sha=0 malloc=libc bits=64'\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();

        assertThatIsBroken(program, "was written by Redis 7 or newer");
    }

    private void assertThatIsBroken(Path program, String why) {
        String path = program.getParent() + File.pathSeparator + System.getenv("PATH");
        try (JarProcess check = JarProcess.start(
                folder,
                Map.of("HOST", "127.0.0.1", "PORT", "0", "PATH", path),
                List.of("-jar", JarProcess.jar(), "check"))) {
            assertThat(check.exitStatus()).isEqualTo(BROKEN);
            assertThat(check.output())
                    .anySatisfy(line -> assertThat(line).startsWith("error ").contains(program.toString(), why));
        }
    }
}
