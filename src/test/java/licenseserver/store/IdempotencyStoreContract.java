package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import licenseserver.store.IdempotencyStore.Claim;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What every {@link IdempotencyStore} does, run on each of them. A store may be shared by tests: all names are random. */
abstract class IdempotencyStoreContract {
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
            await(store().keep(name, "payload", 422, "{\"a\":\"é\ud83d\ude00\\\"\"}"));

            for (int i = 0; i < 3; i++) {
                assertThat(claim("payload")).isEqualTo(new Claim.Answered(422, "{\"a\":\"é\ud83d\ude00\\\"\"}"));
            }
        }

        @Test
        void finds_another_payload_answered() {
            claim("payload");
            await(store().keep(name, "payload", 200, "{}"));

            assertThat(claim("other")).isEqualTo(new Claim.OtherPayload());
            assertThat(claim("payload")).isEqualTo(new Claim.Answered(200, "{}"));
        }

        @Test
        void is_the_first_again_after_a_release() {
            claim("payload");
            await(store().release(name));

            assertThat(claim("other")).isEqualTo(new Claim.First());
        }

        @Test
        void knows_nothing_of_other_names() {
            claim("payload");

            assertThat(await(store().claim(name + "x", "payload"))).isEqualTo(new Claim.First());
        }

        @Test
        void is_the_first_once_of_many_at_once() {
            List<Future<Claim>> claims = IntStream.range(0, 20)
                    .mapToObj(number -> store().claim(name, "payload"))
                    .toList();

            assertThat(claims)
                    .extracting(claim -> await(claim))
                    .containsOnlyOnce(new Claim.First())
                    .containsOnly(new Claim.First(), new Claim.UnderWay());
        }
    }

    Claim claim(String payload) {
        return await(store().claim(name, payload));
    }
}
