package licenseserver.redis;

import static licenseserver.Await.await;
import static licenseserver.redis.RedisCommands.command;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import licenseserver.RedisProcess;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nobody waits for a frozen server any more once another one is the master. */
class ReplacedMasterIT {
    /** Longer than a test waits: what ends in time was not ended by this. */
    private static final Duration TIMEOUT = Duration.ofMinutes(2);

    private static final String KEY = "key";

    private final Vertx vertx = Vertx.vertx();
    private final RedisProcess frozen = RedisProcess.start();
    private final RedisProcess next = RedisProcess.start();
    private final RedisSettings settings = RedisSettings.of(frozen.url());
    private final OneMaster topology = new OneMaster(node(frozen));
    private final RedisPool pool = new RedisPool(vertx, settings, topology, TIMEOUT);
    private final RedisReader reader = new RedisReader(vertx, settings, topology, TIMEOUT);

    private static RedisNode node(RedisProcess redis) {
        return RedisSettings.of(redis.url()).nodes().get(0);
    }

    @BeforeEach
    void store() {
        frozen.tell("SET", KEY, "old");
        next.tell("SET", KEY, "new");
    }

    @AfterEach
    void end() {
        frozen.thaw();
        await(vertx.close());
        frozen.close();
        next.close();
    }

    @Test
    void a_read_that_waits_for_it_is_answered_by_the_new_one() {
        assertThat(await(reader.get(KEY, Deadline.in(TIMEOUT)))).contains("old");
        frozen.freeze();
        Future<Optional<String>> read = reader.get(KEY, Deadline.in(TIMEOUT));

        topology.isNow(node(next));

        assertThat(await(read)).contains("new");
    }

    @Test
    void a_read_that_waits_for_a_connection_to_it_is_answered_by_the_new_one() {
        frozen.freeze();
        Future<Optional<String>> read = reader.get(KEY, Deadline.in(TIMEOUT));

        topology.isNow(node(next));

        assertThat(await(read)).contains("new");
    }

    @Test
    void a_transaction_that_waits_for_what_it_reads_begins_again_at_the_new_one() {
        await(pool.read(KEY, Deadline.in(TIMEOUT), command(Command.GET, KEY)));
        frozen.freeze();
        Future<List<Response>> read = pool.read(KEY, Deadline.in(TIMEOUT), command(Command.GET, KEY));

        topology.isNow(node(next));

        assertThat(await(read).get(0)).hasToString("new");
    }

    @Test
    void a_change_whose_outcome_is_not_known_fails() {
        await(pool.read(KEY, Deadline.in(TIMEOUT), command(Command.GET, KEY)));
        frozen.freeze();
        Future<List<Response>> change = pool.change(KEY, Deadline.in(TIMEOUT), command(Command.SET, KEY, "changed"));

        topology.isNow(node(next));

        assertThatThrownBy(() -> await(change)).isInstanceOf(StoreUnavailableException.class);
        assertThat(next.tell("GET", KEY).strip()).isEqualTo("new");
    }
}
