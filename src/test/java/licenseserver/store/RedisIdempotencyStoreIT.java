package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Duration;
import licenseserver.RedisForTests;
import licenseserver.store.IdempotencyStore.Claim;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RedisIdempotencyStoreIT extends IdempotencyStoreContract {
    private static Vertx vertx;
    private static RedisIdempotencyStore store;
    private static Redis redis;

    @BeforeAll
    static void connect() {
        vertx = Vertx.vertx();
        store = anotherServer();
        redis = Redis.createClient(vertx, RedisForTests.url());
    }

    @AfterAll
    static void disconnect() {
        await(vertx.close());
    }

    private static RedisIdempotencyStore anotherServer() {
        RedisSettings settings = RedisSettings.of(RedisForTests.url());
        return new RedisIdempotencyStore(vertx, settings, RedisTopology.of(vertx, settings), Duration.ofSeconds(5));
    }

    @Override
    IdempotencyStore store() {
        return store;
    }

    @Nested
    class InRedis {
        @Test
        void a_claim_is_given_up_after_30_seconds() {
            claim("payload");

            assertThat(millisLeft()).isBetween(25_000L, 30_000L);
        }

        @Test
        void an_answer_is_kept_for_24_hours() {
            claim("payload");
            await(store.keep(name, "payload", 200, "{}"));

            assertThat(millisLeft()).isBetween(86_300_000L, 86_400_000L);
        }

        @Test
        void an_answer_is_found_by_another_server() {
            claim("payload");
            await(store.keep(name, "payload", 200, "{}"));

            assertThat(await(anotherServer().claim(name, "payload"))).isEqualTo(new Claim.Answered(200, "{}"));
        }

        private long millisLeft() {
            return await(redis.send(Request.cmd(Command.PTTL).arg("idempotency:" + name)))
                    .toLong();
        }
    }
}
