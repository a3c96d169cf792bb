package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import licenseserver.store.CheckThenActStore;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Three servers on one Redis, and many clients. */
class ConcurrencyIT {
    private static final int STORMS = 20;
    private static final int HISTORIES = 40;

    @Nested
    @TestInstance(Lifecycle.PER_CLASS)
    class Three_servers {
        private final List<TestServer> running = new ArrayList<>();
        private final List<HttpCalls> servers = new ArrayList<>();

        @BeforeAll
        void start() {
            for (int i = 0; i < 3; i++) {
                running.add(TestServer.startReady(RedisForTests.url()));
                servers.add(running.get(i).calls());
            }
        }

        @AfterAll
        void stop() {
            running.forEach(TestServer::close);
        }

        @Test
        void give_three_slots_to_three_of_sixty_machines() {
            for (int i = 0; i < STORMS; i++) {
                assertThat(Concurrency.activationStorm(servers)).isEmpty();
            }
        }

        @Test
        void create_one_license_for_one_email() {
            for (int i = 0; i < STORMS; i++) {
                assertThat(Concurrency.registerStorm(servers)).isEmpty();
            }
        }

        @Test
        void answer_as_one_license_would() throws Exception {
            for (int seed = 0; seed < HISTORIES; seed++) {
                assertThat(Concurrency.randomHistory(servers, seed)).isEmpty();
            }
        }
    }

    /** That the tests above can fail. */
    @Nested
    @TestInstance(Lifecycle.PER_CLASS)
    class A_store_that_checks_and_then_acts {
        private final Vertx vertx = Vertx.vertx();
        private final List<HttpCalls> servers = new ArrayList<>();

        @BeforeAll
        void start() throws Exception {
            for (int i = 0; i < 3; i++) {
                var store = new CheckThenActStore(vertx, RedisForTests.url());
                servers.add(new HttpCalls(
                        licenseserver.api.TestServer.start(vertx, store).port()));
            }
        }

        @AfterAll
        void stop() {
            vertx.close();
        }

        @Test
        void fails_the_activation_storm() {
            assertThat(firstFinding(STORMS, storm -> Concurrency.activationStorm(servers)))
                    .isPresent();
        }

        @Test
        void fails_the_register_storm() {
            assertThat(firstFinding(STORMS, storm -> Concurrency.registerStorm(servers)))
                    .isPresent();
        }

        @Test
        void fails_the_random_histories() throws Exception {
            assertThat(firstFinding(HISTORIES, seed -> Concurrency.randomHistory(servers, seed)))
                    .isPresent();
        }

        private static Optional<String> firstFinding(int rounds, Round round) {
            for (int i = 0; i < rounds; i++) {
                try {
                    Optional<String> finding = round.play(i);
                    if (finding.isPresent()) {
                        return finding;
                    }
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
            }
            return Optional.empty();
        }

        private interface Round {
            Optional<String> play(int number) throws Exception;
        }
    }
}
