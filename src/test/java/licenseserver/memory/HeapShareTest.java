package licenseserver.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class HeapShareTest {
    private final HeapShare share = new HeapShare(100, "things were refused");

    @Test
    void gives_no_more_than_there_is() {
        assertThat(share.take(60)).isTrue();
        assertThat(share.take(41)).isFalse();
        assertThat(share.take(40)).isTrue();
        assertThat(share.taken()).isEqualTo(100);
    }

    @Test
    void can_be_taken_again_after_it_was_given_back() {
        assertThat(share.take(100)).isTrue();
        share.giveBack(30);
        assertThat(share.take(31)).isFalse();
        assertThat(share.take(30)).isTrue();
    }

    @Test
    void adds_up_if_many_threads_take_at_once() throws Exception {
        var threads = Executors.newFixedThreadPool(4);
        try {
            var done = new ArrayList<Future<?>>();
            for (int i = 0; i < 4; i++) {
                done.add(threads.submit(() -> {
                    for (int round = 0; round < 10_000; round++) {
                        if (share.take(40)) {
                            share.giveBack(40);
                        }
                    }
                }));
            }
            for (Future<?> one : done) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(share.taken()).isZero();
    }
}
