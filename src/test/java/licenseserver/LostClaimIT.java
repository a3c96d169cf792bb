package licenseserver;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.time.Duration;
import licenseserver.FaultProxy.Fault;
import licenseserver.idempotency.IdempotencyStore.Claim;
import licenseserver.idempotency.IdempotentRequest;
import licenseserver.idempotency.RedisIdempotencyStore;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.StoreUnavailableException;
import org.junit.jupiter.api.Test;

/** A claim of which Redis has done what was asked, but its reply is lost. */
class LostClaimIT {
    @Test
    void is_released_so_that_the_next_attempt_need_not_wait_until_it_lapses() {
        Vertx vertx = Vertx.vertx();
        try (var redis = RedisProcess.start();
                var proxy = new FaultProxy(redis.port())) {
            RedisIdempotencyStore store = store(vertx, proxy.url());
            proxy.nextWith("SET", Fault.resetAfter(0));

            assertThatThrownBy(() -> await(store.claim(attempt()))).isInstanceOf(StoreUnavailableException.class);

            assertThat(redis.calls("set")).isEqualTo(1);
            Wait.until("the claim is gone", () -> redis.ask("DBSIZE").equals("0"));
            assertThat(redis.ask("INFO stats")).contains("expired_keys:0");
            assertThat(await(store(vertx, redis.url()).claim(attempt()))).isEqualTo(new Claim.First());
        } finally {
            await(vertx.close());
        }
    }

    private static IdempotentRequest attempt() {
        return new IdempotentRequest("/call", "order-4711", Buffer.buffer("{}"));
    }

    private static RedisIdempotencyStore store(Vertx vertx, String url) {
        RedisSettings settings = RedisSettings.of(url);
        var timeout = Duration.ofSeconds(5);
        var redis = new RedisPool(vertx, settings, RedisTopology.of(vertx, settings), timeout);
        return new RedisIdempotencyStore(vertx, redis, timeout);
    }
}
