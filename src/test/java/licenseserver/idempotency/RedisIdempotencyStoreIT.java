package licenseserver.idempotency;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Response;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import licenseserver.RedisForTests;
import licenseserver.Wait;
import licenseserver.idempotency.IdempotencyStore.Claim;
import licenseserver.idempotency.IdempotencyStore.KeptAnswer;
import licenseserver.idempotency.IdempotencyStore.NamedLicense;
import licenseserver.redis.RedisCommands;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
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
        return store(vertx);
    }

    private static RedisIdempotencyStore store(Vertx vertx) {
        RedisSettings settings = RedisSettings.of(RedisForTests.url());
        var timeout = Duration.ofSeconds(5);
        var redis = new RedisPool(vertx, settings, RedisTopology.of(vertx, settings), timeout);
        return new RedisIdempotencyStore(vertx, redis, timeout);
    }

    @Override
    IdempotencyStore store() {
        return store;
    }

    @Nested
    class InRedis {
        @Test
        void a_claim_is_given_up_seconds_after_its_server_died() {
            Vertx dying = Vertx.vertx();
            await(store(dying).claim(request("payload")));
            assertThat(millisLeft()).isBetween(1L, 3_000L);
            await(dying.close());

            Wait.until("the claim is given up", () -> claim("payload").equals(new Claim.First()));
        }

        @Test
        void a_claim_is_renewed_as_long_as_its_server_is_at_it() {
            IdempotentRequest first = request("payload");
            await(store.claim(first));

            for (int renewals = 0; renewals < 4; renewals++) {
                Wait.until("the claim has aged", () -> millisLeft() < 2_500);
                Wait.until("the claim is renewed", () -> millisLeft() > 2_500);
            }
            assertThat(claim("payload")).isEqualTo(new Claim.UnderWay());

            await(store.release(first));
            assertThat(claim("payload")).isEqualTo(new Claim.First());
        }

        @Test
        void a_claim_that_lapsed_is_neither_renewed_nor_released_over_that_of_another() {
            IdempotentRequest slow = request("payload");
            await(store.claim(slow));
            redis(Command.DEL);
            IdempotentRequest other = request("payload");
            await(anotherServer().claim(other));
            String claimed = stored();

            await(store.release(slow));

            assertThat(stored()).isEqualTo(claimed);
        }

        @Test
        void an_attempt_recognizes_its_own_claim() {
            IdempotentRequest first = request("payload");
            await(store.claim(first));

            assertThat(await(store.claim(first))).isEqualTo(new Claim.First());
        }

        @Test
        void an_answer_is_kept_for_24_hours() {
            claim("payload");
            await(store.keep(request("payload"), ANSWER));

            assertThat(millisLeft()).isBetween(86_300_000L, 86_400_000L);
        }

        @Test
        void an_answer_is_found_by_another_server() {
            claim("payload");
            await(store.keep(request("payload"), ANSWER));

            assertThat(await(anotherServer().claim(request("payload")))).isEqualTo(new Claim.Answered(ANSWER));
        }

        @Test
        void an_answer_cannot_be_read_without_the_request() {
            String body = "{\"email\":\"ada@example.com\"}";
            await(store.claim(request(body)));
            assertHidden(body);
            await(store.keep(
                    request(body),
                    new KeptAnswer(
                            200,
                            "{\"success\":true,\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"ada@example.com\"}",
                            new NamedLicense("K7FH-WP3A-M9QZ-B2CD", "ada@example.com", 0L))));
            assertHidden(body);
        }

        /** Not in any encoding, nor as a digest of the body alone, which whoever guesses an address could compare. */
        private void assertHidden(String body) {
            String stored = stored();
            assertThat(stored)
                    .doesNotContain(
                            "ada", "K7FH", "B2CD", "success", request(body).bodyDigest());
            for (String encoded : List.of("ada@example.com", "K7FH-WP3A-M9QZ-B2CD", body)) {
                for (int shift = 0; shift < 3; shift++) {
                    byte[] shifted = ("x".repeat(shift) + encoded).getBytes(StandardCharsets.UTF_8);
                    String base64 = Base64.getUrlEncoder().withoutPadding().encodeToString(shifted);
                    assertThat(stored).doesNotContain(base64.substring(4, base64.length() - 4));
                }
            }
        }
    }

    /** What earlier versions have stored, to the byte. */
    @Nested
    class OfAnEarlierVersion {
        private static final String DIGEST = "I59Z7VXnN8dxR89VrQwbAwttfudIp0JpUvm4UtWpNeU";

        @Test
        void a_claim_is_understood() {
            place("{\"payload\":\"" + DIGEST + "\"}");

            assertThat(claim("payload")).isEqualTo(new Claim.UnderWay());
            assertThat(claim("other")).isEqualTo(new Claim.OtherPayload());
        }

        @Test
        void the_answer_to_a_register_is_understood() {
            String body = "{\"success\":true,\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"ada@example.com\"}";
            place("{\"payload\":\"" + DIGEST + "\",\"status\":200,\"body\":\"" + body.replace("\"", "\\\"") + "\"}");

            assertThat(claim("payload"))
                    .isEqualTo(new Claim.Answered(new KeptAnswer(
                            200, body, new NamedLicense("K7FH-WP3A-M9QZ-B2CD", "ada@example.com", null))));
            assertThat(claim("other")).isEqualTo(new Claim.OtherPayload());
        }

        @Test
        void the_answer_to_an_update_is_understood() {
            String body = "{\"success\":true,\"license\":{\"key\":\"K\",\"email\":\"a@b\",\"createdAt\":7}}";
            place("{\"payload\":\"" + DIGEST + "\",\"status\":200,\"body\":\"" + body.replace("\"", "\\\"") + "\"}");

            assertThat(claim("payload"))
                    .isEqualTo(new Claim.Answered(new KeptAnswer(200, body, new NamedLicense("K", "a@b", 7L))));
        }

        @Test
        void a_refusal_is_understood() {
            String body = "{\"success\":false,\"message\":\"License not found\"}";
            place("{\"payload\":\"" + DIGEST + "\",\"status\":404,\"body\":\"" + body.replace("\"", "\\\"") + "\"}");

            assertThat(claim("payload")).isEqualTo(new Claim.Answered(new KeptAnswer(404, body, null)));
        }

        private void place(String record) {
            redis(Command.SET, record);
        }
    }

    private long millisLeft() {
        return redis(Command.PTTL).toLong();
    }

    private String stored() {
        return redis(Command.GET).toString();
    }

    private Response redis(Command command, String... arguments) {
        return await(redis.send(RedisCommands.command(
                command,
                Stream.concat(Stream.of("idempotency:" + request("").name()), Stream.of(arguments))
                        .toArray(String[]::new))));
    }
}
