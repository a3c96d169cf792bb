package licenseserver.redis;

import static licenseserver.Await.await;
import static licenseserver.redis.RedisCommands.command;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import java.time.Duration;
import java.util.List;
import licenseserver.RedisProcess;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A pool of one connection, so that the next lease is of the one before, if that was given back. */
class RedisPoolIT {
    /** Long, so that what ends a call sooner is its own deadline, and no bound of the socket. */
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final Vertx vertx = Vertx.vertx();
    private final RedisProcess redis = RedisProcess.start();
    private RedisPool pool;

    @BeforeEach
    void connect() {
        RedisSettings settings = RedisSettings.of(redis.url());
        pool = new RedisPool(
                vertx, settings, RedisTopology.single(settings.nodes().get(0)), TIMEOUT, 1);
    }

    @AfterEach
    void disconnect() {
        await(vertx.close());
        redis.close();
    }

    private static Future<String> connection(RedisPool.Lease lease) {
        return lease.read(List.of(command(Command.CLIENT, "ID")))
                .map(replies -> replies.get(0).toString());
    }

    private String nextConnection() {
        return await(pool.lease("key", Deadline.in(TIMEOUT), RedisPoolIT::connection));
    }

    @Test
    void lends_a_connection_again_that_was_given_back_clean() {
        assertThat(nextConnection()).isEqualTo(nextConnection());
    }

    @Test
    void throws_a_connection_away_that_was_given_back_in_an_unknown_state() {
        String before = nextConnection();

        Future<Object> broken = pool.lease(
                "key",
                Deadline.in(TIMEOUT),
                lease -> lease.read(List.of(command(Command.WATCH, "key")))
                        .compose(watching -> Future.failedFuture(new IllegalStateException("a defect"))));
        assertThatThrownBy(() -> await(broken)).hasMessageContaining("a defect");

        assertThat(nextConnection()).isNotEqualTo(before);
    }

    @Test
    void ends_a_call_at_its_deadline_however_much_longer_the_connection_could_wait() {
        nextConnection();
        redis.freeze();

        long begin = System.nanoTime();
        Future<String> late = pool.lease("key", Deadline.in(Duration.ofMillis(200)), RedisPoolIT::connection);
        assertThatThrownBy(() -> await(late)).isInstanceOf(StoreUnavailableException.class);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(TIMEOUT.dividedBy(2));

        redis.thaw();
        assertThat(nextConnection()).isNotEmpty();
    }
}
