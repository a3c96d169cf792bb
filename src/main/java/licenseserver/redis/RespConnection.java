package licenseserver.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to a server of Redis, for few commands at a high rate: all that are sent in one turn of the event loop go out in
 * one write, as a write, not the command, is what costs. A reply that does not come in time breaks the connection, and so does a
 * silence in which not even a PING is answered.
 *
 * <p>This stands beside Vert.x's Redis client, which transactions use, for three reasons: of a batch that client tells one failure
 * for all, it mistakes a push message for the next reply, and its share of the time that a validation takes is twice as large.
 *
 * <p>Belongs to the event loop it is opened on.
 */
public final class RespConnection {
    private static final Duration SILENCE = Duration.ofSeconds(1);
    private static final byte[] GET = "*2\r\n$3\r\nGET\r\n$".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] LINE_END = "\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final Logger LOG = LoggerFactory.getLogger(RespConnection.class);

    /** Waits for the reply to one command. Exactly one of the two is called, once. */
    interface Receiver {
        /** The reply, as {@link RespParser} has it; also one that is an error. */
        void receive(@Nullable Object reply);

        /** There will be none: the connection is broken, and whether the command was carried out is unknown. */
        void fail(StoreUnavailableException reason);
    }

    /** A command that was sent, and when its reply must be there, by {@link System#nanoTime}. */
    private record Sent(Receiver receiver, long due) {}

    /** How often it is looked whether a reply is overdue. */
    public static final Duration LONGEST_PAUSE_BETWEEN_CHECKS = Duration.ofMillis(100);

    /** For commands whose reply does not matter. */
    static final Receiver NOBODY = new Receiver() {
        @Override
        public void receive(@Nullable Object reply) {}

        @Override
        public void fail(StoreUnavailableException reason) {}
    };

    private final Vertx vertx;
    private final Context context;
    private final NetSocket socket;
    private final Duration timeout;
    private final Duration silence;
    private final long checks;
    private final RespParser parser = new RespParser();
    private final ArrayDeque<Sent> sent = new ArrayDeque<>();
    private final Promise<Void> closed = Promise.promise();
    private Buffer unsent = Buffer.buffer();
    private Consumer<List<@Nullable Object>> pushes = ignored -> {};
    private long lastWord = System.nanoTime();
    private boolean retired;
    private @Nullable StoreUnavailableException broken;

    private RespConnection(Vertx vertx, NetSocket socket, Duration timeout, Duration silence) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.socket = socket;
        this.timeout = timeout;
        this.silence = silence;
        socket.handler(this::receive);
        socket.exceptionHandler(failure -> breakOff("the connection to Redis broke"));
        socket.closeHandler(end -> breakOff("Redis closed the connection"));
        checks = vertx.setPeriodic(
                Math.max(1, Math.min(LONGEST_PAUSE_BETWEEN_CHECKS.toMillis(), timeout.toMillis() / 4)),
                check -> check());
    }

    /** The same where a silence may take a second. */
    public static Future<RespConnection> open(
            Vertx vertx, NetClient client, RedisNode server, RedisSettings settings, Duration timeout) {
        return open(vertx, client, server, settings, timeout, SILENCE);
    }

    /**
     * Connects, logs in, and selects the database.
     *
     * @param client made with {@link RedisSettings#clientOptions}
     * @param timeout the longest that this, and later any reply, may take
     * @param silence the time without a word from Redis after which it is asked for one
     * @return fails with {@link StoreUnavailableException}
     */
    public static Future<RespConnection> open(
            Vertx vertx,
            NetClient client,
            RedisNode server,
            RedisSettings settings,
            Duration timeout,
            Duration silence) {
        Future<NetSocket> connecting = client.connect(server.port(), server.host());
        return Deadline.in(timeout)
                .bound(connecting)
                .onFailure(late -> connecting.onSuccess(NetSocket::close))
                .recover(failure -> Future.failedFuture(new StoreUnavailableException(ClientFailures.reason(failure))))
                .compose(socket -> {
                    var connection = new RespConnection(vertx, socket, timeout, silence);
                    return connection.greet(settings).map(connection).onFailure(refused -> connection.close());
                });
    }

    private Future<?> greet(RedisSettings settings) {
        Future<?> greeted = Future.succeededFuture();
        if (settings.password() != null) {
            greeted = settings.user() == null
                    ? ask("AUTH", settings.password())
                    : ask("AUTH", settings.user(), settings.password());
        }
        // A server that has too many clients accepts one more, and refuses it with its first command.
        return greeted.compose(authenticated ->
                settings.database() == 0 ? ask("PING") : ask("SELECT", Integer.toString(settings.database())));
    }

    /** Sends one command; fails with {@link StoreUnavailableException} also where the answer is an error. */
    public Future<@Nullable Object> ask(String... words) {
        Promise<@Nullable Object> answer = Promise.promise();
        send(command(words), new Receiver() {
            @Override
            public void receive(@Nullable Object reply) {
                if (reply instanceof RespParser.Refusal error) {
                    answer.fail(new StoreUnavailableException(ClientFailures.answered(error.code())));
                } else {
                    answer.complete(reply);
                }
            }

            @Override
            public void fail(StoreUnavailableException reason) {
                answer.fail(reason);
            }
        });
        return answer.future();
    }

    /** A command as it goes over the wire. */
    static Buffer command(String... words) {
        Buffer command = Buffer.buffer("*" + words.length + "\r\n");
        for (String word : words) {
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            command.appendString("$" + bytes.length + "\r\n").appendBytes(bytes).appendString("\r\n");
        }
        return command;
    }

    /** Sends one command at the end of this turn of the event loop. */
    void send(Buffer command, Receiver receiver) {
        if (expect(receiver)) {
            unsent.appendBuffer(command);
        }
    }

    /** The same for a GET, without a buffer of its own: there is one at every validation. */
    void get(String key, Receiver receiver) {
        if (expect(receiver)) {
            byte[] name = key.getBytes(StandardCharsets.UTF_8);
            unsent.appendBytes(GET)
                    .appendBytes(Integer.toString(name.length).getBytes(StandardCharsets.US_ASCII))
                    .appendBytes(LINE_END)
                    .appendBytes(name)
                    .appendBytes(LINE_END);
        }
    }

    private boolean expect(Receiver receiver) {
        if (broken != null) {
            receiver.fail(broken);
            return false;
        }
        sent.add(new Sent(receiver, System.nanoTime() + timeout.toNanos()));
        if (unsent.length() == 0) {
            context.runOnContext(turn -> flush());
        }
        return true;
    }

    /** Runs after all that the event loop has read in this turn was handled, so with all the commands that came of it. */
    private void flush() {
        if (broken == null) {
            Buffer all = unsent;
            unsent = Buffer.buffer(all.length());
            socket.write(all);
        }
    }

    private void receive(Buffer piece) {
        lastWord = System.nanoTime();
        try {
            parser.parse(piece.getBytes(), this::receive);
        } catch (RespParser.ProtocolException e) {
            breakOff(String.valueOf(e.getMessage()));
        }
    }

    private void receive(@Nullable Object reply) {
        if (reply instanceof RespParser.Push push) {
            pushes.accept(push.content());
            return;
        }
        Sent answered = sent.poll();
        if (answered == null) {
            throw new RespParser.ProtocolException("Redis answered what nobody asked");
        }
        if (retired && sent.isEmpty()) {
            context.runOnContext(turn -> close());
        }
        try {
            answered.receiver().receive(reply);
        } catch (RuntimeException defect) {
            // The replies behind it are for others.
            LOG.error("A reply of Redis was not taken, by a defect of this program", defect);
        }
    }

    private void check() {
        long now = System.nanoTime();
        Sent oldest = sent.peek();
        if (oldest != null && now - oldest.due() >= 0) {
            breakOff("Redis did not answer in time");
        } else if (oldest == null && !retired && now - lastWord >= silence.toNanos()) {
            send(command("PING"), NOBODY);
        }
    }

    /** Is given each push message from now on, in the order in which they come between the replies. */
    public void onPush(Consumer<List<@Nullable Object>> handler) {
        pushes = handler;
    }

    /** Completes when the connection is closed or broken, before those who wait for replies are told so. */
    public Future<Void> closed() {
        return closed.future();
    }

    /** Closes when all that was sent is answered; nothing may be sent any more. */
    void closeWhenUnused() {
        retired = true;
        if (sent.isEmpty()) {
            close();
        }
    }

    public void close() {
        breakOff("the connection to Redis was closed");
    }

    private void breakOff(String why) {
        if (broken != null) {
            return;
        }
        var reason = new StoreUnavailableException(why);
        broken = reason;
        vertx.cancelTimer(checks);
        socket.close();
        closed.complete();
        for (Sent next = sent.poll(); next != null; next = sent.poll()) {
            next.receiver().fail(reason);
        }
    }
}
