package licenseserver.http;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import licenseserver.Wait;
import licenseserver.api.DelegatingStore;
import licenseserver.api.TestServer;
import licenseserver.http.RawConnection.Answer;
import licenseserver.license.Decision;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.memory.HeapShare;
import licenseserver.store.InMemoryLicenseStore;
import licenseserver.store.LicenseStore;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What connections and bodies may take of the heap, and how long the head of a request may take. */
class OpenConnectionsTest {
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final String ALIVE = RawConnection.get("/livez");
    private static final String VALIDATE =
            RawConnection.post("/validate", "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"machineId\":\"laptop\"}");

    private static Vertx vertx;

    private final List<RawConnection> connected = new ArrayList<>();
    private @Nullable TestServer server;

    @BeforeAll
    static void startVertx() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void stopVertx() {
        await(vertx.close());
    }

    @AfterEach
    void stop() {
        connected.forEach(RawConnection::close);
        if (server != null) {
            server.close();
        }
    }

    /** A store that finds nothing, once it is told to answer. */
    private static final class SlowStore extends DelegatingStore {
        private final Promise<Void> answers = Promise.promise();
        private final AtomicInteger asked = new AtomicInteger();

        SlowStore() {
            super(new InMemoryLicenseStore());
        }

        @Override
        public Future<Optional<License>> find(LicenseKey key) {
            asked.incrementAndGet();
            return answers.future().compose(now -> super.find(key));
        }

        @Override
        public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
            return answers.future().compose(now -> super.update(key, rule));
        }
    }

    private TestServer start(LicenseStore licenses, OpenConnections connections) {
        server = TestServer.start(vertx, licenses, connections, TestServer.UNBOUNDED);
        return server;
    }

    private RawConnection connectFrom(String address) {
        if (server == null) {
            throw new IllegalStateException("not started");
        }
        RawConnection connection = server.connectFrom(address);
        connected.add(connection);
        return connection;
    }

    /** So many connections, each of which has been answered once. */
    private List<RawConnection> connectFrom(String address, int count) {
        var connections = new ArrayList<RawConnection>();
        for (int i = 0; i < count; i++) {
            RawConnection connection = connectFrom(address);
            assertThat(connection.send(ALIVE).read().status()).isEqualTo(200);
            connections.add(connection);
        }
        return connections;
    }

    /** A channel whose event loop carries out what waits when the test says so; it answers nothing. */
    private static EmbeddedChannel channel() {
        var channel = new EmbeddedChannel();
        channel.pipeline()
                .addLast("httpDecoder", new ChannelInboundHandlerAdapter())
                .addLast("handler", new ChannelInboundHandlerAdapter());
        return channel;
    }

    private static CountedConnection install(OpenConnections all, EmbeddedChannel channel, Duration patience) {
        var connection = new CountedConnection(all, channel, ByteBuffer.allocate(0), patience);
        connection.install();
        return connection;
    }

    @Nested
    class A_head {
        private final OpenConnections connections = new OpenConnections(Long.MAX_VALUE, SHORT);

        @Test
        void that_trickles_is_answered_408_at_its_deadline_and_ends_the_connection() {
            start(new InMemoryLicenseStore(), connections);
            RawConnection slow = connectFrom("127.0.0.1");
            long begin = System.nanoTime();
            var trickling = new Thread(() -> {
                for (int i = 0; i < 1_000 && !Thread.currentThread().isInterrupted(); i++) {
                    slow.send(i == 0 ? "GET /livez HTTP/1.1\r\nx: " : "x");
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
                }
            });
            trickling.start();

            Answer answer = slow.read();

            trickling.interrupt();
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThanOrEqualTo(SHORT.minusMillis(20));
            assertThat(answer.status()).isEqualTo(408);
            assertThat(answer.body())
                    .isEqualTo("{\"success\":false,\"message\":\"Request head not received in time\"}");
            assertThat(answer.headers()).containsEntry("content-type", "application/json");
            assertThat(answer.closes()).isTrue();
            assertThat(slow.isClosed()).isTrue();
        }

        @Test
        void that_comes_in_pieces_is_taken_if_it_is_whole_in_time() {
            start(new InMemoryLicenseStore(), new OpenConnections(Long.MAX_VALUE, TestServer.PATIENT));
            RawConnection connection = connectFrom("127.0.0.1");
            for (int i = 0; i < ALIVE.length(); i++) {
                connection.send(ALIVE.substring(i, i + 1));
            }

            assertThat(connection.read().status()).isEqualTo(200);
        }

        @Test
        void has_its_deadline_also_behind_another_request() {
            start(new InMemoryLicenseStore(), connections);
            RawConnection connection = connectFrom("127.0.0.1");

            connection.send(ALIVE + "GET /livez HTTP/1.1\r\n");

            assertThat(connection.read().status()).isEqualTo(200);
            assertThat(connection.read().status()).isEqualTo(408);
            assertThat(connection.isClosed()).isTrue();
        }

        @Test
        void has_no_deadline_before_its_first_byte() {
            start(new InMemoryLicenseStore(), connections);
            RawConnection silent = connectFrom("127.0.0.1");
            RawConnection answered = connectFrom("127.0.0.1");
            assertThat(answered.send(ALIVE).read().status()).isEqualTo(200);

            for (int i = 0; i < 2; i++) {
                assertThat(connectFrom("127.0.0.1").send("G").read().status()).isEqualTo(408);
            }

            assertThat(silent.send(ALIVE).read().status()).isEqualTo(200);
            assertThat(answered.send(ALIVE).read().status()).isEqualTo(200);
        }

        @Test
        void that_ends_with_its_connection_leaves_no_deadline_behind() {
            EmbeddedChannel channel = channel();
            install(connections, channel, SHORT);
            channel.writeInbound(Unpooled.copiedBuffer("GET /livez", StandardCharsets.US_ASCII));
            assertThat(channel.runScheduledPendingTasks()).isPositive();

            assertThat(channel.close().isSuccess()).isTrue();

            assertThat(channel.runScheduledPendingTasks()).isEqualTo(-1);
        }

        @Test
        void does_not_cost_the_request_before_it_its_answer() {
            var store = new SlowStore();
            start(store, connections);
            RawConnection connection = connectFrom("127.0.0.1");

            connection.send(VALIDATE + "GET /livez HTTP/1.1\r\n");
            assertThat(connectFrom("127.0.0.1").send("G").read().status()).isEqualTo(408);
            store.answers.complete();

            assertThat(connection.read().status()).isEqualTo(200);
            assertThat(connection.read().status()).isEqualTo(408);
        }
    }

    @Nested
    class The_share_of_the_heap {
        private static final int ROOM = 20;

        private final OpenConnections connections =
                new OpenConnections(ROOM * CountedConnection.BYTES, TestServer.PATIENT);

        @Test
        void if_used_up_by_idle_connections_of_one_address_lets_another_in_at_once() {
            start(new InMemoryLicenseStore(), connections);
            List<RawConnection> others = connectFrom("127.0.0.3", 2);
            List<RawConnection> many = connectFrom("127.0.0.1", ROOM - 2);

            connectFrom("127.0.0.2", 3);

            assertThat(many.subList(0, 3)).allMatch(RawConnection::isClosed);
            many.subList(3, ROOM - 2)
                    .forEach(
                            left -> assertThat(left.send(ALIVE).read().status()).isEqualTo(200));
            others.forEach(left -> assertThat(left.send(ALIVE).read().status()).isEqualTo(200));
        }

        @Test
        void if_used_up_by_trickling_heads_of_one_address_lets_another_in_at_once() {
            start(new InMemoryLicenseStore(), connections);
            List<RawConnection> many = connectFrom("127.0.0.1", ROOM);
            many.forEach(connection -> connection.send("GET /livez HTTP/1.1\r\nx: "));

            connectFrom("127.0.0.2", 3);

            assertThat(many.subList(0, 3)).allMatch(RawConnection::isClosed);
        }

        @Test
        void if_used_up_by_slow_bodies_of_one_address_lets_another_in_at_once() {
            start(new InMemoryLicenseStore(), connections);
            for (RawConnection each : connectFrom("127.0.0.1", ROOM)) {
                each.send("POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{");
            }

            connectFrom("127.0.0.2", 3);
        }

        @Test
        void if_used_up_by_requests_under_way_costs_none_of_them_its_answer() {
            var store = new SlowStore();
            start(store, connections);
            List<RawConnection> busy = connectFrom("127.0.0.1", ROOM);
            busy.forEach(connection -> connection.send(VALIDATE));
            Wait.until("all are under way", () -> store.asked.get() == ROOM);
            assertThat(connectFrom("127.0.0.2").send(ALIVE).isClosed()).isTrue();

            store.answers.complete();

            busy.forEach(connection -> assertThat(connection.read().status()).isEqualTo(200));
            connectFrom("127.0.0.2", 1);
        }

        @Test
        void if_the_heaviest_address_is_busy_is_made_free_by_idle_connections_of_the_next() {
            var store = new SlowStore();
            start(store, connections);
            for (RawConnection each : connectFrom("127.0.0.1", ROOM / 2 + 1)) {
                each.send(VALIDATE);
            }
            Wait.until("all are under way", () -> store.asked.get() == ROOM / 2 + 1);
            List<RawConnection> idle = connectFrom("127.0.0.3", ROOM / 2 - 1);

            connectFrom("127.0.0.2", 3);

            assertThat(idle.subList(0, 3)).allMatch(RawConnection::isClosed);
        }

        @Test
        void is_not_made_free_by_a_connection_that_became_busy_before_it_could_be_closed() {
            var one = new OpenConnections(CountedConnection.BYTES, TestServer.PATIENT);
            EmbeddedChannel first = count(one);
            EmbeddedChannel second = countBusy(one);

            // Its event loop carries out what waits after it has read this.
            first.writeInbound(Unpooled.copiedBuffer(ALIVE, StandardCharsets.US_ASCII));

            assertThat(first.isActive()).isTrue();
            assertThat(second.isActive()).isTrue();
            assertThat(one.weight()).isEqualTo(2 * CountedConnection.BYTES);
        }

        @Test
        void if_used_up_by_answers_that_nobody_reads_for_long_is_made_free_by_their_connection() {
            var all = new OpenConnections(100_000, TestServer.PATIENT);
            EmbeddedChannel unread = countUnread(all, Duration.ZERO);

            List<EmbeddedChannel> busy =
                    Stream.generate(() -> countBusy(all)).limit(10).toList();
            unread.runPendingTasks();

            assertThat(unread.isActive()).isFalse();
            busy.forEach(EmbeddedChannel::runPendingTasks);
            assertThat(busy).allMatch(EmbeddedChannel::isActive);
        }

        @Test
        void if_used_up_by_an_answer_that_is_being_read_does_not_cost_that_answer() {
            var all = new OpenConnections(100_000, TestServer.PATIENT);
            EmbeddedChannel reading = countUnread(all, TestServer.PATIENT);

            List<EmbeddedChannel> busy =
                    Stream.generate(() -> countBusy(all)).limit(10).toList();
            reading.runPendingTasks();

            assertThat(reading.isActive()).isTrue();
            busy.forEach(EmbeddedChannel::runPendingTasks);
            assertThat(busy.get(0).isActive()).isTrue();
            assertThat(busy.get(9).isActive()).isFalse();
        }

        private EmbeddedChannel count(OpenConnections all) {
            EmbeddedChannel channel = channel();
            all.enter(install(all, channel, SHORT));
            return channel;
        }

        private EmbeddedChannel countBusy(OpenConnections all) {
            EmbeddedChannel channel = channel();
            CountedConnection connection = install(all, channel, SHORT);
            channel.writeInbound(Unpooled.copiedBuffer(ALIVE, StandardCharsets.US_ASCII));
            all.enter(connection);
            return channel;
        }

        /** Has a large answer to send of which nothing gets through. */
        private EmbeddedChannel countUnread(OpenConnections all, Duration patience) {
            EmbeddedChannel channel = channel();
            all.enter(install(all, channel, patience));
            assertThat(channel.write(Unpooled.wrappedBuffer(new byte[100_000])).isDone())
                    .isFalse();
            assertThat(all.weight()).isBetween(CountedConnection.BYTES + 50_000L, 100_000L);
            return channel;
        }

        @Test
        void is_given_back_when_connections_close() {
            start(new InMemoryLicenseStore(), connections);
            connectFrom("127.0.0.1", ROOM).forEach(RawConnection::close);

            Wait.until("nothing is counted", () -> connections.weight() == 0);
        }

        @Test
        void is_taken_by_requests_that_wait_for_the_one_before() {
            var store = new SlowStore();
            start(store, connections);
            RawConnection other = connectFrom("127.0.0.2", 1).get(0);
            RawConnection pipelining = connectFrom("127.0.0.1");

            pipelining.send(VALIDATE.repeat(10));
            Wait.until("they count", () -> connections.weight() > 2 * CountedConnection.BYTES + 9 * 1024);
            store.answers.complete();
            for (int i = 0; i < 10; i++) {
                assertThat(pipelining.read().status()).isEqualTo(200);
            }
            Wait.until("they count no more", () -> connections.weight() == 2 * CountedConnection.BYTES);

            assertThat(other.send(ALIVE).read().status()).isEqualTo(200);
        }

        @Test
        void if_used_up_by_requests_that_wait_for_the_one_before_ends_their_connection() {
            start(new SlowStore(), new OpenConnections(3 * CountedConnection.BYTES, TestServer.PATIENT));
            RawConnection other = connectFrom("127.0.0.2", 1).get(0);
            RawConnection pipelining = connectFrom("127.0.0.1");

            pipelining.send(VALIDATE.repeat(20));

            assertThat(pipelining.isClosed()).isTrue();
            assertThat(other.send(ALIVE).read().status()).isEqualTo(200);
        }

        @Test
        void is_not_used_up_by_a_client_that_sends_ever_more_requests_and_answers_them_all() {
            var store = new SlowStore();
            start(store, connections);
            RawConnection pipelining = connectFrom("127.0.0.1");
            int count = 1_000;

            pipelining.send(VALIDATE.repeat(count));
            Wait.until("some wait", () -> connections.weight() > CountedConnection.BYTES);
            store.answers.complete();

            for (int i = 0; i < count; i++) {
                assertThat(pipelining.read().status()).isEqualTo(200);
            }
        }

        @Test
        void is_taken_by_the_many_lines_of_a_head() {
            start(new InMemoryLicenseStore(), connections);
            RawConnection connection = connectFrom("127.0.0.1", 1).get(0);

            connection.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n" + "a:b\r\n".repeat(200));

            Wait.until("they count", () -> connections.weight() > CountedConnection.BYTES + 25_000);
            assertThat(connection.send("\r\n").read().status()).isEqualTo(200);
        }

        @Test
        void is_taken_by_answers_that_nobody_reads() {
            var roomy = new OpenConnections(1_000_000, TestServer.PATIENT);
            start(new InMemoryLicenseStore(), roomy);
            RawConnection deaf = connectFrom("127.0.0.1");
            var sending = new Thread(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    deaf.send(ALIVE.repeat(100));
                }
            });
            sending.start();
            try {
                Wait.until("they count", () -> roomy.weight() > CountedConnection.BYTES + 8_192);
                // No more than a buffer full of answers, and the requests of one read.
                assertThat(roomy.weight()).isLessThan(300_000);
            } finally {
                sending.interrupt();
                deaf.close();
            }
            Wait.until("they count no more", () -> roomy.weight() == 0);
        }
    }

    @Nested
    class The_share_of_bodies {
        private static final String SLOW =
                "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16384\r\n\r\n" + "{".repeat(10_000);

        private final HeapShare bodies = new HeapShare(70_000, "requests with a body got 503");

        @Test
        void if_used_up_refuses_a_body_with_503_and_takes_small_ones() {
            server = TestServer.start(
                    vertx, new InMemoryLicenseStore(), new OpenConnections(Long.MAX_VALUE, TestServer.PATIENT), bodies);
            for (int i = 0; i < 3; i++) {
                connectFrom("127.0.0.1").send(SLOW);
            }
            Wait.until("they count", () -> bodies.taken() == 60_000);

            Answer refused = connectFrom("127.0.0.2").send(SLOW).read();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.headers()).containsEntry("retry-after", "1");
            assertThat(connectFrom("127.0.0.2").send(VALIDATE).read().status()).isEqualTo(200);

            connected.forEach(RawConnection::close);
            Wait.until("nothing counts any more", () -> bodies.taken() == 0);
        }

        @Test
        void is_held_until_the_answer_and_weighs_fields() {
            var store = new SlowStore();
            server = TestServer.start(vertx, store, new OpenConnections(Long.MAX_VALUE, TestServer.PATIENT), bodies);
            String fields = "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"machineId\":\"laptop\"%s}";
            var more = new StringBuilder();
            for (int i = 0; i < 100; i++) {
                more.append(",\"x").append(i).append("\":1");
            }
            RawConnection connection = connectFrom("127.0.0.1");

            connection.send(RawConnection.post("/validate", fields.formatted(more)));
            Wait.until("it counts", () -> bodies.taken() > 12_000);
            store.answers.complete();

            assertThat(connection.read().status()).isEqualTo(200);
            Wait.until("it counts no more", () -> bodies.taken() == 0);
        }
    }
}
