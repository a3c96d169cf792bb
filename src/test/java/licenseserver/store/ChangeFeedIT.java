package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Terms;
import licenseserver.redis.OneMaster;
import licenseserver.redis.RedisNode;
import licenseserver.redis.RedisSettings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ChangeFeedIT {
    private final Vertx vertx = Vertx.vertx();
    private final RedisProcess redis = RedisProcess.start();
    private final RedisProcess other = RedisProcess.start();
    private final OneMaster topology = new OneMaster(node(redis));
    private final NearCache cache = NearCache.on(Duration.ZERO, InstantSource.system(), 1_000_000);
    private final License license = License.issue(
            LicenseKey.random(new SecureRandom()),
            Email.of("ada@example.com"),
            Instant.ofEpochMilli(1_719_000_000_000L),
            Terms.of(3));

    private static RedisNode node(RedisProcess redis) {
        return RedisSettings.of(redis.url()).nodes().get(0);
    }

    @BeforeEach
    void listen() {
        await(vertx.deployVerticle(new ChangeFeed(cache, RedisSettings.of(redis.url()), topology)));
        remember();
    }

    @AfterEach
    void stop() {
        await(vertx.close());
        redis.close();
        other.close();
    }

    private void remember() {
        Wait.until("the cache is fed", () -> cache.ticket(license.key()) != null);
        cache.put(Objects.requireNonNull(cache.ticket(license.key())), license);
        assertThat(isRemembered()).isTrue();
    }

    private boolean isRemembered() {
        return cache.now(license.key()) != null;
    }

    private void send(RedisProcess to, Command command, String... arguments) {
        Redis client = Redis.createClient(vertx, to.url());
        Request request = Request.cmd(command);
        for (String argument : arguments) {
            request.arg(argument);
        }
        await(client.send(request));
        await(client.close());
    }

    @Test
    void tells_the_cache_what_was_written() {
        send(redis, Command.SET, "license:ANOTHER-KEY", "anything");
        send(redis, Command.SET, "email:ada@example.com", "anything");
        assertThat(isRemembered()).isTrue();

        send(redis, Command.SET, "license:" + license.key().value(), "anything");
        Wait.until("it is forgotten", () -> !isRemembered());
    }

    @Test
    void tells_the_cache_what_was_deleted_and_flushed() {
        send(redis, Command.SET, "license:" + license.key().value(), "anything");
        Wait.until("it is forgotten", () -> !isRemembered());
        remember();
        send(redis, Command.DEL, "license:" + license.key().value());
        Wait.until("it is forgotten", () -> !isRemembered());

        remember();
        send(redis, Command.FLUSHALL);
        Wait.until("it is forgotten", () -> !isRemembered());
    }

    @Test
    void drops_all_when_its_connection_is_killed_and_feeds_again_on_a_new_one() {
        send(redis, Command.CLIENT, "KILL", "TYPE", "normal");
        Wait.until("it is forgotten", () -> !isRemembered());

        remember();
        send(redis, Command.SET, "license:" + license.key().value(), "anything");
        Wait.until("it is forgotten", () -> !isRemembered());
    }

    @Test
    void drops_all_within_the_promised_time_when_redis_goes_silent() {
        // So far it answers.
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < ChangeFeed.SILENCE.toNanos() * 3) {
            assertThat(isRemembered()).isTrue();
        }

        redis.freeze();
        begin = System.nanoTime();
        Wait.until("it is forgotten", () -> !isRemembered());
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(ChangeFeed.LATEST_NEWS.plusMillis(500));
        assertThat(cache.ticket(license.key())).isNull();

        redis.thaw();
        remember();
    }

    @Test
    void stops_without_a_word_while_redis_is_away() {
        PrintStream standardError = System.err;
        var log = new ByteArrayOutputStream();
        System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
        try {
            redis.freeze();
            Wait.until(
                    "it has told that it is off",
                    () -> log.toString(StandardCharsets.UTF_8).contains("The near cache is off"));
            log.reset();
            await(vertx.close());
        } finally {
            System.setErr(standardError);
        }
        assertThat(log.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    @Test
    void follows_to_another_master() {
        topology.isNow(node(other));
        Wait.until("it is forgotten", () -> !isRemembered());

        remember();
        send(other, Command.SET, "license:" + license.key().value(), "anything");
        Wait.until("it is forgotten", () -> !isRemembered());
    }

    @Test
    void feeds_nothing_while_redis_is_away() {
        redis.kill();
        Wait.until("it is forgotten", () -> !isRemembered());
        assertThat(cache.ticket(license.key())).isNull();

        redis.startAgain();
        remember();
    }
}
