package licenseserver.redis.embedded;

import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Data that a release of Redis cannot read is not given to it. */
class DataVersionTest {
    @TempDir
    Path redis;

    private void dataBeginsWith(String header) throws IOException {
        Files.createDirectories(redis.resolve("appendonlydir"));
        Files.writeString(redis.resolve("appendonlydir/appendonly.aof.1.base.rdb"), header + "\u0001 and more");
    }

    private void assertThatIsRefused(String release) {
        assertThatIOException()
                .isThrownBy(() -> DataVersion.refuseNewer(redis, release, "/usr/bin/redis-server"))
                .withMessageContaining("/usr/bin/redis-server (" + release + ") cannot read it")
                .withMessageContaining(redis.toString());
    }

    private void assertThatIsGiven(String... releases) throws IOException {
        for (String release : releases) {
            DataVersion.refuseNewer(redis, release, "/usr/bin/redis-server");
        }
    }

    @Test
    void every_release_reads_a_new_folder() throws IOException {
        assertThatIsGiven("Redis 6.2.11", "Redis 7.0.15", "Valkey 8.0.1");
    }

    @Test
    void redis_6_does_not_see_the_files_of_redis_7() throws IOException {
        dataBeginsWith("REDIS0009");
        assertThatIsRefused("Redis 6.2.11");
        assertThatIsRefused("Redis 6.0.16");
    }

    @Test
    void a_release_reads_its_own_data_and_older_ones() throws IOException {
        dataBeginsWith("REDIS0010");
        assertThatIsGiven("Redis 7.0.15", "Redis 7.2.4", "Valkey 7.2.5", "Redis 8.2.1", "Valkey 9.0.0");
        dataBeginsWith("REDIS0011");
        assertThatIsGiven("Redis 7.2.4", "Valkey 7.2.5", "Valkey 8.1.3", "Redis 7.4.1");
    }

    @Test
    void a_release_does_not_read_data_of_a_newer_one() throws IOException {
        dataBeginsWith("REDIS0011");
        assertThatIsRefused("Redis 7.0.15");
        for (String newer : List.of("REDIS0012", "VALKEY080")) {
            dataBeginsWith(newer);
            for (String release : List.of("Redis 7.0.15", "Redis 7.2.4", "Valkey 7.2.5", "Valkey 8.0.1")) {
                assertThatIsRefused(release);
            }
        }
    }

    @Test
    void a_release_that_is_not_known_decides_for_itself() throws IOException {
        dataBeginsWith("REDIS0099");
        assertThatIsGiven("Redis 8.4.0", "Valkey 9.1.0", "KeyDB 6x");
    }
}
