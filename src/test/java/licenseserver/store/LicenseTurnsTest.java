package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import licenseserver.redis.StoreUnavailableException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LicenseTurnsTest {
    private final Vertx vertx = Vertx.vertx();
    private final LicenseTurns turns = new LicenseTurns();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void runs_the_calls_for_one_license_one_after_the_other_in_the_order_they_came() {
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        var running = new AtomicInteger();
        var calls = new ArrayList<Future<Void>>();
        for (int i = 0; i < 100; i++) {
            int number = i;
            calls.add(turns.inTurn(vertx, "one", () -> {
                assertThat(running.incrementAndGet()).isEqualTo(1);
                order.add(number);
                return vertx.timer(1).<Void>mapEmpty().onComplete(done -> running.decrementAndGet());
            }));
        }

        await(Future.all(calls));

        assertThat(order).isSorted().hasSize(100);
    }

    @Test
    void lets_calls_for_different_licenses_run_at_once() {
        Promise<String> first = Promise.promise();
        Future<String> waiting = turns.inTurn(vertx, "one", first::future);

        assertThat(await(turns.inTurn(vertx, "two", () -> Future.succeededFuture("done"))))
                .isEqualTo("done");

        first.complete("done, too");
        assertThat(await(waiting)).isEqualTo("done, too");
    }

    @Test
    void goes_on_after_a_call_that_fails_or_throws() {
        Future<Object> failing = turns.inTurn(vertx, "one", () -> Future.failedFuture("planted"));
        Future<Object> throwing = turns.inTurn(vertx, "one", () -> {
            throw new IllegalStateException("planted");
        });

        assertThat(await(turns.inTurn(vertx, "one", () -> Future.succeededFuture("done"))))
                .isEqualTo("done");
        assertThat(failing.failed()).isTrue();
        assertThat(throwing.failed()).isTrue();
    }

    @Test
    void lets_nobody_fill_the_line_of_one_license_at_the_cost_of_the_others() {
        Promise<String> first = Promise.promise();
        var calls = new ArrayList<Future<String>>();
        for (int i = 0; i < 100; i++) {
            calls.add(turns.inTurn(vertx, "one", first::future));
        }

        assertThat(turns.inTurn(vertx, "one", first::future).cause()).isInstanceOf(StoreUnavailableException.class);
        assertThat(await(turns.inTurn(vertx, "two", () -> Future.succeededFuture("done"))))
                .isEqualTo("done");

        first.complete("done");
        await(Future.all(calls));
        assertThat(turns.isEmpty()).isTrue();
        assertThat(await(turns.inTurn(vertx, "one", () -> Future.succeededFuture("done"))))
                .isEqualTo("done");
    }

    @Test
    void refuses_more_calls_than_it_can_hold_and_holds_nothing_when_all_are_done() {
        Promise<String> first = Promise.promise();
        var calls = new ArrayList<Future<String>>();
        for (int i = 0; i < 10_000; i++) {
            calls.add(turns.inTurn(vertx, "license " + i % 200, first::future));
        }

        Future<String> oneTooMany = turns.inTurn(vertx, "three", () -> Future.succeededFuture("done"));
        assertThat(oneTooMany.cause()).isInstanceOf(StoreUnavailableException.class);

        first.complete("done");
        await(Future.all(calls));
        assertThat(turns.isEmpty()).isTrue();
        assertThat(await(turns.inTurn(vertx, "three", () -> Future.succeededFuture("done"))))
                .isEqualTo("done");
    }
}
