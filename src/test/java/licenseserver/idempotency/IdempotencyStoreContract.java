package licenseserver.idempotency;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import licenseserver.idempotency.IdempotencyStore.Claim;
import licenseserver.idempotency.IdempotencyStore.KeptAnswer;
import licenseserver.idempotency.IdempotencyStore.NamedLicense;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What every {@link IdempotencyStore} does, run on each of them. A store may be shared by tests: all names are random. */
abstract class IdempotencyStoreContract {
    static final KeptAnswer ANSWER = new KeptAnswer(
            422, "{\"a\":\"é\ud83d\ude00\\\"\"}", new NamedLicense("KEY-OF-IT", "ada@example.com", 1_719_000_000_000L));

    /** Of the client, which calls the request so. */
    final String name = UUID.randomUUID().toString();

    /** The store under test, the same one for all calls within a test. */
    abstract IdempotencyStore store();

    @Nested
    class AClaim {
        @Test
        void is_the_first_where_nothing_is_known() {
            assertThat(claim("payload")).isEqualTo(new Claim.First());
        }

        @Test
        void finds_the_request_under_way() {
            claim("payload");

            assertThat(claim("payload")).isEqualTo(new Claim.UnderWay());
        }

        @Test
        void finds_another_payload_under_way() {
            claim("payload");

            assertThat(claim("other")).isEqualTo(new Claim.OtherPayload());
        }

        @Test
        void finds_the_answer_each_time() {
            claim("payload");
            await(store().keep(request("payload"), ANSWER));

            for (int i = 0; i < 3; i++) {
                assertThat(claim("payload")).isEqualTo(new Claim.Answered(ANSWER));
            }
        }

        @Test
        void finds_another_payload_answered() {
            claim("payload");
            await(store().keep(request("payload"), ANSWER));

            assertThat(claim("other")).isEqualTo(new Claim.OtherPayload());
            assertThat(claim("payload")).isEqualTo(new Claim.Answered(ANSWER));
        }

        @Test
        void is_the_first_again_after_a_release() {
            IdempotentRequest first = request("payload");
            await(store().claim(first));
            await(store().release(first));

            assertThat(claim("other")).isEqualTo(new Claim.First());
        }

        @Test
        void is_not_released_by_another_attempt() {
            claim("payload");
            await(store().release(request("payload")));

            assertThat(claim("payload")).isEqualTo(new Claim.UnderWay());
        }

        @Test
        void is_not_released_once_it_is_answered() {
            IdempotentRequest first = request("payload");
            await(store().claim(first));
            await(store().keep(first, ANSWER));
            await(store().release(first));

            assertThat(claim("payload")).isEqualTo(new Claim.Answered(ANSWER));
        }

        @Test
        void finds_an_answer_that_names_no_license() {
            claim("payload");
            await(store().keep(request("payload"), new KeptAnswer(404, "{}", null)));

            assertThat(claim("payload")).isEqualTo(new Claim.Answered(new KeptAnswer(404, "{}", null)));
        }

        @Test
        void knows_nothing_of_other_names() {
            claim("payload");

            assertThat(await(store().claim(new IdempotentRequest("/call", name + "x", Buffer.buffer("payload")))))
                    .isEqualTo(new Claim.First());
            assertThat(await(store().claim(new IdempotentRequest("/other", name, Buffer.buffer("payload")))))
                    .isEqualTo(new Claim.First());
        }

        @Test
        void is_the_first_once_of_many_at_once() {
            List<Future<Claim>> claims = IntStream.range(0, 20)
                    .mapToObj(number -> store().claim(request("payload")))
                    .toList();

            assertThat(claims)
                    .extracting(claim -> await(claim))
                    .containsOnlyOnce(new Claim.First())
                    .containsOnly(new Claim.First(), new Claim.UnderWay());
        }
    }

    Claim claim(String payload) {
        return await(store().claim(request(payload)));
    }

    /** Another attempt at the request with this payload. */
    IdempotentRequest request(String payload) {
        return new IdempotentRequest("/call", name, Buffer.buffer(payload));
    }
}
