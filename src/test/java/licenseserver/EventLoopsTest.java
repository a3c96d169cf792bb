package licenseserver;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventLoopsTest {
    private final Vertx vertx = EventLoops.watched();

    @AfterEach
    void close() {
        await(vertx.close());
    }

    @Test
    void tell_of_a_task_that_computes_for_too_long() {
        long start = System.nanoTime();
        var told = new AtomicBoolean();
        vertx.runOnContext(turn -> {
            while (!told.get() && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(20)) {
                Thread.onSpinWait();
            }
        });

        Wait.until("it is told", this::isBlocked);
        told.set(true);
    }

    @Test
    void tell_of_a_task_that_waits() {
        var told = new CountDownLatch(1);
        vertx.runOnContext(turn -> {
            try {
                told.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });

        Wait.until("it is told", this::isBlocked);
        told.countDown();
    }

    @Test
    void tell_nothing_of_many_short_tasks() {
        for (int i = 0; i < 20; i++) {
            Promise<Void> done = Promise.promise();
            vertx.runOnContext(turn -> computeFor(20, done));
            await(done.future());
        }

        assertThatCode(() -> EventLoops.assertNeverBlocked(vertx)).doesNotThrowAnyException();
    }

    private static void computeFor(int millis, Promise<Void> done) {
        var threads = ManagementFactory.getThreadMXBean();
        long end = threads.getCurrentThreadCpuTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        BooleanSupplier isOver = () -> threads.getCurrentThreadCpuTime() > end;
        while (!isOver.getAsBoolean()) {
            Thread.onSpinWait();
        }
        done.complete();
    }

    private boolean isBlocked() {
        try {
            EventLoops.assertNeverBlocked(vertx);
            return false;
        } catch (AssertionError e) {
            assertThat(e).hasMessageContaining("eventloop");
            return true;
        }
    }
}
