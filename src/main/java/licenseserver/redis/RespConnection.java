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
 * One connection to a server of Redis, for a few kinds of commands at a high rate. All commands of one turn of the
 * event loop are sent in one write, because the write is what costs time, not the command. A reply that does not
 * arrive in time breaks the connection, and so does an unanswered PING after a silence.
 *
 * <p>Transactions use Vert.x's Redis client; this class exists beside it for three reasons. That client reports one
 * failure for a whole batch, it mistakes a push message for the next reply, and it takes twice the time for a read.
 *
 * <p>A connection belongs to the event loop on which it was opened.
 */
public final class RespConnection {
    private static final Duration SILENCE = Duration.ofSeconds(1);
    private static final byte[] GET = "*2\r\n$3\r\nGET\r\n$".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] LINE_END = "\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final Logger LOG = LoggerFactory.getLogger(RespConnection.class);

    /** Waits for the reply to one command. Exactly one of its methods is called, once. */
    interface Receiver {
        /** Takes the reply, as {@link RespParser} describes it. It can be an error. */
        void receive(@Nullable Object reply);

        /**
         * Takes note that there will be no reply: the connection broke. It is not known whether the command was
         * carried out.
         */
        void fail(StoreUnavailableException reason);
    }

    /** A command that was sent, and the {@link System#nanoTime} by which its reply must arrive. */
    private record Sent(Receiver receiver, long due) {}

    /** The longest time between two checks whether a reply is overdue. */
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

    /** Opens a connection on which a silence may last one second. */
    static Future<RespConnection> open(
            Vertx vertx, NetClient client, RedisNode server, RedisSettings settings, Duration timeout) {
        return open(vertx, client, server, settings, timeout, SILENCE);
    }

    /**
     * Connects, logs in, and selects the database.
     *
     * @param client made with {@link RedisSettings#clientOptions}
     * @param timeout the longest time that this may take, and later any reply
     * @param silence the time without a word from Redis after which a PING is sent
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
        // A server that has too many clients accepts one more, and then refuses its first command.
        return greeted.compose(authenticated ->
                settings.database() == 0 ? ask("PING") : ask("SELECT", Integer.toString(settings.database())));
    }

    /** Sends one command. Fails with {@link StoreUnavailableException}, also if the reply is an error. */
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

    /** A command as it is sent over the wire. */
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

    /**
     * Sends a GET in the same way. It makes no buffer of its own, because this is done thousands of times per second.
     */
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

    /** Runs when the event loop has handled all input of this turn, so it sends all commands that came of that. */
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
            // The replies after it are for others.
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

    /** Sets the handler of push messages. It is called for each from now on, in the order in which they arrive. */
    public void onPush(Consumer<List<@Nullable Object>> handler) {
        pushes = handler;
    }

    /** Completes when the connection is closed or broken, before those who wait for replies are told. */
    public Future<Void> closed() {
        return closed.future();
    }

    /** Closes the connection when everything that was sent is answered. Nothing may be sent any more. */
    void closeWhenUnused() {
        retired = true;
        if (sent.isEmpty()) {
            close();
        }
    }

    /** Closes the connection at once. Replies that have not arrived yet fail. */
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
