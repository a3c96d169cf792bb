package licenseserver.redis;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RedisReaderIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(1);

    private final Vertx vertx = Vertx.vertx();
    private final RedisProcess redis = RedisProcess.start();
    private RedisReader reader;

    @BeforeEach
    void connect() {
        reader = reader(Duration.ofMinutes(1));
        Redis client = Redis.createClient(vertx, redis.url());
        for (int i = 0; i < 1000; i++) {
            await(client.send(Request.cmd(Command.SET).arg("key-" + i).arg("value-" + i)));
        }
        await(client.send(Request.cmd(Command.RPUSH).arg("a list").arg("element")));
        await(client.close());
    }

    private RedisReader reader(Duration lease) {
        RedisSettings settings = RedisSettings.of(redis.url());
        return new RedisReader(
                vertx, settings, RedisTopology.single(settings.nodes().get(0)), TIMEOUT, lease);
    }

    @AfterEach
    void disconnect() {
        await(vertx.close());
        redis.close();
    }

    private Future<Optional<String>> get(String key) {
        return reader.get(key, Deadline.in(TIMEOUT));
    }

    private List<Future<Optional<String>>> getAll() {
        var reads = new ArrayList<Future<Optional<String>>>();
        for (int i = 0; i < 1000; i++) {
            reads.add(get("key-" + i));
        }
        return reads;
    }

    private static void assertThatAllAreRight(List<Future<Optional<String>>> reads) {
        for (int i = 0; i < reads.size(); i++) {
            assertThat(await(reads.get(i))).contains("value-" + i);
        }
    }

    @Test
    void gives_each_of_many_reads_at_once_its_own_value() {
        assertThatAllAreRight(getAll());
        assertThat(await(get("nothing"))).isEmpty();
    }

    @Test
    void answers_the_neighbours_of_a_read_that_fails() {
        List<Future<Optional<String>>> before = getAll();
        Future<Optional<String>> failing = get("a list");
        List<Future<Optional<String>>> after = getAll();

        assertThatThrownBy(() -> await(failing))
                .isInstanceOf(StoreUnavailableException.class)
                .hasMessageContaining("WRONGTYPE");
        assertThatAllAreRight(before);
        assertThatAllAreRight(after);
    }

    @Test
    void makes_its_connection_anew_when_its_lease_is_over() {
        RedisReader shortLived = reader(Duration.ofMillis(20));
        Redis client = Redis.createClient(vertx, redis.url());
        await(shortLived.get("key-1", Deadline.in(TIMEOUT)));
        long before = connectionsReceived(client);

        // Read all the time, so that it is not for being idle that the connection ends.
        Wait.until("three more connections were made", () -> {
            assertThat(await(shortLived.get("key-1", Deadline.in(TIMEOUT)))).contains("value-1");
            return connectionsReceived(client) >= before + 3;
        });
        await(shortLived.close());
        await(client.close());
    }

    /** All that Redis has ever accepted; the one that asks stays the same. */
    private static long connectionsReceived(Redis client) {
        return await(client.send(Request.cmd(Command.INFO).arg("stats")))
                .toString()
                .lines()
                .filter(line -> line.startsWith("total_connections_received:"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1)))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void fails_in_time_while_redis_is_frozen_and_reads_again_when_it_thaws() {
        assertThatAllAreRight(getAll());
        redis.freeze();

        long begin = System.nanoTime();
        for (Future<Optional<String>> read : getAll()) {
            assertThatThrownBy(() -> await(read)).isInstanceOf(StoreUnavailableException.class);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TIMEOUT.multipliedBy(2));

        redis.thaw();
        assertThatAllAreRight(getAll());
    }

    @Test
    void fails_while_redis_is_away_and_reads_again_when_it_is_back() {
        assertThatAllAreRight(getAll());
        redis.kill();

        assertThatThrownBy(() -> await(get("key-1"))).isInstanceOf(StoreUnavailableException.class);

        redis.startAgain();
        Wait.until("a read succeeds", () -> {
            try {
                return await(get("key-1")).isPresent();
            } catch (StoreUnavailableException notYet) {
                return false;
            }
        });
        assertThatAllAreRight(getAll());
    }

    @Test
    void refuses_more_reads_than_it_can_hold() {
        redis.freeze();
        var reads = new ArrayList<Future<Optional<String>>>();
        for (int i = 0; i < 30_000; i++) {
            reads.add(get("key-1"));
        }

        for (Future<Optional<String>> read : reads) {
            assertThatThrownBy(() -> await(read)).isInstanceOf(StoreUnavailableException.class);
        }
        assertThat(reads.stream().map(read -> read.cause().getMessage())).contains("too many reads wait for Redis");
        redis.thaw();
        assertThatAllAreRight(getAll());
    }

    @Test
    void fails_what_is_under_way_when_it_is_closed_and_asks_no_more() {
        var unhandled = new ConcurrentLinkedQueue<Throwable>();
        vertx.exceptionHandler(unhandled::add);
        await(get("key-1"));
        redis.freeze();
        List<Future<Optional<String>>> reads = getAll();

        await(reader.close());

        for (Future<Optional<String>> read : reads) {
            assertThatThrownBy(() -> await(read))
                    .isInstanceOf(StoreUnavailableException.class)
                    .hasMessage("the server stops");
        }
        assertThatThrownBy(() -> await(get("key-1"))).hasMessage("the server stops");
        assertThat(unhandled).isEmpty();
        redis.thaw();
    }
}
