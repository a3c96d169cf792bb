package licenseserver.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class CallLimitTest {
    private static final Reply REPLY = Reply.ok("{}");

    private final CallLimit limit = new CallLimit("calls", 2, 10);

    private Future<Reply> admit(Supplier<Future<Reply>> call) {
        return limit.admit(call, UnavailableException.class::isInstance);
    }

    /** Offers calls that stay under way; those that are let in. */
    private List<Promise<Reply>> offer(int calls) {
        var admitted = new ArrayList<Promise<Reply>>();
        for (int i = 0; i < calls; i++) {
            Future<Reply> answer = admit(() -> {
                Promise<Reply> promise = Promise.promise();
                admitted.add(promise);
                return promise.future();
            });
            assertThat(answer.failed()).isEqualTo(answer.isComplete());
            if (answer.failed()) {
                assertThat(answer.cause()).isInstanceOf(UnavailableException.class);
            }
        }
        return admitted;
    }

    @Test
    void lets_in_as_many_as_it_allows_and_one_more_for_each_that_is_answered() {
        List<Promise<Reply>> calls = offer(20);
        assertThat(calls).hasSize(10);

        calls.get(0).complete(REPLY);
        calls.get(1).complete(REPLY);

        assertThat(offer(20)).hasSize(2);
    }

    @Test
    void lets_in_fewer_when_the_store_fails_but_never_fewer_than_the_least() {
        offer(10).forEach(call -> call.fail(new UnavailableException("away")));
        assertThat(offer(20)).hasSize(4).allSatisfy(call -> call.fail(new UnavailableException("away")));
        for (int i = 0; i < 20; i++) {
            offer(1).get(0).fail(new UnavailableException("away"));
        }
        assertThat(offer(20)).hasSize(2);
    }

    @Test
    void lets_in_as_many_as_before_when_calls_are_quick_again() {
        offer(10).forEach(call -> call.fail(new UnavailableException("away")));
        for (int i = 0; i < 20; i++) {
            offer(1).get(0).complete(REPLY);
        }
        assertThat(offer(20)).hasSize(10);
    }

    @Test
    void a_refused_call_costs_no_place() {
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> admit(() -> {
                        throw new RefusedException(Reply.BAD_REQUEST);
                    }))
                    .isInstanceOf(RefusedException.class);
            assertThat(admit(() -> Future.succeededFuture(REPLY)).succeeded()).isTrue();
            offer(1).get(0).fail(new RefusedException(Reply.BAD_REQUEST));
        }
        assertThat(offer(20)).hasSize(10);
    }
}
