package licenseserver.redis;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import licenseserver.idempotency.RedisIdempotencyStore;
import licenseserver.redis.RedisMonitor.State;
import licenseserver.store.StoreCheckup;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What it tells the operator, and when. */
class RedisMonitorIT {
    private final Vertx vertx = Vertx.vertx();
    private final RedisProcess redis = RedisProcess.start();
    private final PrintStream standardError = System.err;
    private final List<RedisMonitor> monitors = new ArrayList<>();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();

    @BeforeEach
    void catchLog() {
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void stop() {
        monitors.forEach(monitor -> await(monitor.close()));
        await(vertx.close());
        System.setErr(standardError);
        redis.close();
    }

    private String log() {
        return log.toString(StandardCharsets.UTF_8);
    }

    private long lines(String text) {
        return log().lines().filter(line -> line.contains(text)).count();
    }

    /** The only server, of which nothing is known the first few times. */
    private final class LateTopology implements RedisTopology {
        private final RedisTopology single =
                RedisTopology.single(RedisSettings.of(redis.url()).nodes().get(0));
        private final AtomicInteger failuresLeft;

        LateTopology(int failures) {
            failuresLeft = new AtomicInteger(failures);
        }

        @Override
        public Future<Set<RedisNode>> masters() {
            return failuresLeft.getAndDecrement() > 0
                    ? Future.failedFuture(new StoreUnavailableException("nothing is known yet"))
                    : single.masters();
        }

        @Override
        public Future<RedisNode> serverOf(String key) {
            return single.serverOf(key);
        }

        @Override
        public void doubt(RedisNode server) {}

        @Override
        public void moved(int slot, RedisNode to) {}

        @Override
        public StoreIdentity identity() {
            return single.identity();
        }

        @Override
        public List<Consumer<Set<RedisNode>>> listeners() {
            return single.listeners();
        }

        @Override
        public void close() {}
    }

    private RedisMonitor monitor(String url, RedisTopology topology) {
        var started = new RedisMonitor(
                vertx,
                RedisSettings.of(url),
                topology,
                List.of(new StoreCheckup(false, true), RedisIdempotencyStore.CONTENT),
                outage -> {});
        monitors.add(started);
        return started;
    }

    @Test
    void tells_nothing_of_a_first_look_that_fails_while_the_program_starts() {
        RedisMonitor monitor = monitor(redis.url(), new LateTopology(1));

        Wait.until("Redis is usable", () -> monitor.state() == State.USABLE);
        assertThat(log()).doesNotContain("ERROR");
    }

    @Test
    void tells_an_outage_once() {
        RedisMonitor monitor = monitor(redis.url(), new LateTopology(3));

        Wait.until("Redis is usable", () -> monitor.state() == State.USABLE);
        assertThat(lines("ERROR RedisMonitor - Redis cannot be used: nothing is known yet"))
                .isOne();

        redis.kill();
        Wait.until("it is told again", () -> lines("ERROR RedisMonitor - Redis cannot be used") == 2);
        redis.startAgain();
        Wait.until("Redis is usable", () -> monitor.state() == State.USABLE);
    }

    @Test
    void names_a_right_that_is_missing_once_and_is_content_when_it_is_granted() {
        redis.ask(
                "ACL SETUSER app on >pass ~license:* ~email:* ~idempotency:* ~recent-events ~events:* ~seen:* ~outbox* +@all -rpush");
        String url = "redis://app:pass@127.0.0.1:" + redis.port();
        RedisMonitor monitor =
                monitor(url, RedisTopology.single(RedisSettings.of(url).nodes().get(0)));

        Wait.until("it is told", () -> log().contains("ERROR"));
        assertThat(log()).contains("GET on store-identity, SET on store-identity, RPUSH on events:{license:*}.");
        assertThat(monitor.state()).isNotEqualTo(State.USABLE);
        redis.ask("ACL SETUSER app ~store-identity*");
        Wait.until("the other one is told", () -> log().contains("needs: RPUSH on events:{license:*}."));
        assertThat(monitor.state()).isEqualTo(State.WITHOUT_RIGHTS);
        long looks = redis.calls("ping");
        Wait.until("it has looked some more times", () -> redis.calls("ping") > looks + 2);
        redis.ask("ACL SETUSER app +rpush");
        Wait.until("Redis is usable", () -> monitor.state() == State.USABLE);

        assertThat(lines("ERROR")).isEqualTo(2);
    }

    @Test
    void says_how_many_licenses_there_are() {
        redis.tell(
                "EVAL",
                "for i = 1, 2500 do redis.call('set', 'license:' .. i, '') redis.call('set', 'email:' .. i, '') end",
                "0");
        monitor(redis.url(), new LateTopology(0));

        Wait.until("it is told", () -> log().contains("The store holds 2500 licenses."));
        assertThat(log()).doesNotContain("NEW");
    }

    @Test
    void says_loudly_that_a_store_is_new() {
        monitor(redis.url(), new LateTopology(0));

        Wait.until("it is told", () -> log().contains("WARN RedisMonitor - THE STORE IS NEW"));
    }

    @Test
    void does_not_count_where_that_is_not_allowed() {
        redis.ask("ACL SETUSER app on >pass ~* +@all -scan");
        String url = "redis://app:pass@127.0.0.1:" + redis.port();
        RedisMonitor monitor =
                monitor(url, RedisTopology.single(RedisSettings.of(url).nodes().get(0)));

        Wait.until("it is told", () -> log().contains("INFO RedisMonitor - The licenses were not counted"));
        assertThat(monitor.state()).isEqualTo(State.USABLE);
    }
}
