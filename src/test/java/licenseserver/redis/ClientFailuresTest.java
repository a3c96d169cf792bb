package licenseserver.redis;

import static licenseserver.Await.await;
import static licenseserver.redis.RedisCommands.command;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetServerOptions;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.Request;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import licenseserver.Wait;
import licenseserver.redis.ClientFailures.Refused;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Provokes each failure with the real client, so that a release of it that words one differently fails here. */
class ClientFailuresTest {
    private static final Request GET = command(Command.GET, "a-key");
    private static final int ABORTS = 0;
    private static final int CLOSES = -1;

    private final Vertx vertx = Vertx.vertx();

    @AfterEach
    void stop() {
        await(vertx.close());
    }

    /**
     * A server of Redis that greets each client, then gives these answers in turn, and then ends the connection.
     *
     * @param linger {@link #CLOSES} for an orderly end, {@link #ABORTS} for a reset
     */
    private int server(int linger, String... answers) {
        return server("%1\r\n+proto\r\n:3", linger, answers);
    }

    private int server(String greeting, int linger, String... answers) {
        var options = new NetServerOptions().setHost("127.0.0.1").setPort(0).setSoLinger(linger);
        NetServer server = vertx.createNetServer(options).connectHandler(socket -> {
            Queue<String> left = new ArrayDeque<>(List.of(answers));
            var parser = new RespParser();
            socket.exceptionHandler(reset -> {});
            socket.handler(bytes -> parser.parse(bytes.getBytes(), command -> {
                Object word = ((List<?>) command).get(0);
                if (word.equals("hello") || word.equals("HELLO")) {
                    socket.write(greeting + "\r\n");
                } else if (word.equals("client") || word.equals("CLIENT")) {
                    socket.write("+OK\r\n");
                } else if (left.isEmpty()) {
                    socket.close();
                } else {
                    socket.write(left.remove() + "\r\n");
                }
            }));
        });
        return await(server.listen()).actualPort();
    }

    private RedisConnection connection(int port) {
        return await(Redis.createClient(vertx, "redis://127.0.0.1:" + port).connect());
    }

    private static Throwable failure(Future<?> failing) {
        Wait.until("it fails", failing::isComplete);
        assertThat(failing.failed()).isTrue();
        return failing.cause();
    }

    private Throwable failureOfOne(int linger, String... answers) {
        return failure(connection(server(linger, answers)).batch(List.of(GET)));
    }

    private Throwable failureOfThree(int linger, String... answers) {
        return failure(connection(server(linger, answers)).batch(List.of(GET, GET, GET)));
    }

    private static void assertThatIsBroken(Throwable failure) {
        assertThat(ClientFailures.refused(failure)).isEmpty();
        assertThat(ClientFailures.isBroken(failure)).isTrue();
        assertThat(ClientFailures.isTemporary(failure)).isFalse();
        assertThat(ClientFailures.wasNotSent(failure)).isFalse();
        assertThat(ClientFailures.reason(failure)).isEqualTo("the connection to Redis broke");
    }

    @Test
    void knows_a_command_that_was_refused() {
        Throwable failure = failureOfOne(CLOSES, "-WRONGTYPE Operation against a-key");

        assertThat(ClientFailures.refused(failure))
                .containsExactly(new Refused(0, "WRONGTYPE Operation against a-key", "WRONGTYPE"));
        assertThat(ClientFailures.isBroken(failure)).isFalse();
        assertThat(ClientFailures.isTemporary(failure)).isFalse();
        assertThat(ClientFailures.wasNotSent(failure)).isFalse();
        assertThat(ClientFailures.isRightMissing(failure)).isFalse();
        assertThat(ClientFailures.reason(failure)).isEqualTo("Redis answered WRONGTYPE");
    }

    @Test
    void knows_which_commands_of_a_batch_were_refused() {
        Throwable failure = failureOfThree(CLOSES, "+OK", "-MOVED 7 127.0.0.1:6379", "-ERR unknown command");

        assertThat(ClientFailures.refused(failure))
                .containsExactly(
                        new Refused(1, "MOVED 7 127.0.0.1:6379", "MOVED"), new Refused(2, "unknown command", "ERR"));
        assertThat(ClientFailures.isBroken(failure)).isFalse();
        assertThat(ClientFailures.reason(failure)).isEqualTo("Redis answered MOVED");
    }

    @ParameterizedTest
    @ValueSource(strings = {"MOVED 7 127.0.0.1:6379", "ASK 7 127.0.0.1:6379", "TRYAGAIN", "CLUSTERDOWN", "READONLY"})
    void knows_that_another_server_can_do_it_or_the_same_one_soon(String error) {
        assertThat(ClientFailures.isTemporary(failureOfOne(CLOSES, "-" + error)))
                .isTrue();
        assertThat(ClientFailures.isTemporary(failureOfThree(CLOSES, "-" + error, "+OK", "+OK")))
                .isTrue();
    }

    @Test
    void knows_that_a_right_is_missing() {
        String error = "-NOPERM User app has no permissions to run the 'get' command";

        assertThat(ClientFailures.isRightMissing(failureOfOne(CLOSES, error))).isTrue();
        assertThat(ClientFailures.isRightMissing(failureOfThree(CLOSES, "+OK", error, "-EXECABORT")))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {CLOSES, ABORTS})
    void knows_that_the_connection_ended_before_the_answer(int linger) {
        assertThatIsBroken(failureOfOne(linger));
        assertThatIsBroken(failureOfThree(linger));
        assertThatIsBroken(failureOfThree(linger, "+OK", "-MOVED 7 127.0.0.1:6379"));
    }

    @Test
    void takes_no_answer_that_is_not_one_of_redis_for_a_command_that_was_not_carried_out() {
        Throwable failure = failureOfThree(CLOSES, "+OK", "HTTP/1.1 400 Bad Request");

        assertThat(ClientFailures.isTemporary(failure)).isFalse();
        assertThat(ClientFailures.wasNotSent(failure)).isFalse();
        assertThat(ClientFailures.reason(failure)).isEqualTo("Redis answered ILLEGAL_STATE");
    }

    @Test
    void knows_why_a_server_lets_nobody_in() {
        String error = "WRONGPASS invalid username-password pair";
        // The client greets with the password, and sends it once more if that is refused.
        int port = server("-" + error, CLOSES, "-" + error);
        Throwable failure = failure(
                Redis.createClient(vertx, "redis://:wrong@127.0.0.1:" + port).connect());

        assertThat(ClientFailures.refused(failure)).containsExactly(new Refused(0, error, "WRONGPASS"));
        assertThat(ClientFailures.reason(failure)).isEqualTo("Redis answered WRONGPASS");
    }

    @Test
    void knows_that_a_command_was_not_sent() {
        RedisConnection ended = connection(server(CLOSES));
        failure(ended.batch(List.of(GET)));

        Throwable failure = failure(ended.batch(List.of(GET)));
        assertThat(ClientFailures.wasNotSent(failure)).isTrue();
        assertThat(ClientFailures.isBroken(failure)).isTrue();
        assertThat(ClientFailures.refused(failure)).isEmpty();
    }

    @Test
    void knows_that_nothing_listens() {
        int port = server(CLOSES);
        await(vertx.close());
        Vertx other = Vertx.vertx();
        try {
            Throwable failure = failure(
                    Redis.createClient(other, "redis://127.0.0.1:" + port).connect());

            assertThat(ClientFailures.refused(failure)).isEmpty();
            assertThat(ClientFailures.reason(failure)).isEqualTo("Redis refuses connections");
        } finally {
            await(other.close());
        }
    }

    @Test
    void quotes_no_argument_of_a_command() {
        Throwable notValid =
                failure(connection(server(CLOSES)).batch(List.of(command(Command.GET, "a-key", "too much"))));
        assertThat(notValid).hasMessageContaining("a-key");
        assertThat(ClientFailures.reason(notValid)).doesNotContain("a-key");

        Throwable refused = failureOfOne(CLOSES, "-ERR unknown command 'GET', with args beginning with: 'a-key'");
        assertThat(refused).hasMessageContaining("a-key");
        assertThat(ClientFailures.reason(refused)).isEqualTo("Redis answered ERR");
    }
}
