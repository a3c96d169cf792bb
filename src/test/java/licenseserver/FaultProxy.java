package licenseserver;

import static licenseserver.Await.await;

import io.netty.channel.ChannelOption;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.internal.net.NetSocketInternal;
import io.vertx.core.net.NetClient;
import io.vertx.core.net.NetServer;
import io.vertx.core.net.NetSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A TCP proxy between a server and its Redis that does to connections what networks do: to all of them, to the next one that is
 * made, or to the next one that carries a certain command. All its work is done on one event loop; its methods return when that
 * has done what they ask.
 */
final class FaultProxy implements AutoCloseable {
    private static final Pattern COMMAND = Pattern.compile("\\*\\d+\r\n\\$\\d+\r\n([A-Za-z]+)\r\n");

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    private final NetClient client = vertx.createNetClient();
    private final int redisPort;
    private final Set<Link> links = new LinkedHashSet<>();
    private final ArrayDeque<Fault> nextConnections = new ArrayDeque<>();
    private final List<Trap> traps = new ArrayList<>();
    private final AtomicInteger faulty = new AtomicInteger();
    private NetServer listener;
    private final int port;
    private boolean refusing;
    private Fault all = Fault.NONE;

    private record Trap(String command, Fault fault) {}

    FaultProxy(int redisPort) {
        this.redisPort = redisPort;
        this.listener = listen(0);
        this.port = listener.actualPort();
    }

    private NetServer listen(int onPort) {
        return await(vertx.createNetServer().connectHandler(this::accept).listen(onPort, "127.0.0.1"));
    }

    String url() {
        return "redis://127.0.0.1:" + port;
    }

    /** Gives the fault to all connections that there are and that will be. */
    void all(Fault fault) {
        run(() -> {
            all = fault;
            List.copyOf(links).forEach(link -> link.set(fault));
            return null;
        });
    }

    /** Gives the fault to the next connection that is made. */
    void nextConnection(Fault fault) {
        run(() -> nextConnections.add(fault));
    }

    /** Gives the fault to the next connection on which this command goes to Redis, just before it does. */
    void nextWith(String command, Fault fault) {
        run(() -> traps.add(new Trap(command, fault)));
    }

    /** Cuts all connections and refuses new ones. */
    void refuse() {
        refusing = true;
        await(listener.close());
    }

    /** Takes back every fault. What was only held back goes on; what was lost stays lost. */
    void takeBack() {
        run(() -> {
            nextConnections.clear();
            traps.clear();
            return null;
        });
        all(Fault.NONE);
        if (refusing) {
            refusing = false;
            listener = listen(port);
        }
    }

    /** How many times a connection was given a fault. */
    int faulty() {
        return faulty.get();
    }

    /** How many connections are open that have carried this command. */
    int openWith(String command) {
        return run(() -> (int)
                links.stream().filter(link -> link.carried.contains(command)).count());
    }

    private <T> T run(Supplier<T> work) {
        Promise<T> done = Promise.promise();
        vertx.runOnContext(turn -> done.complete(work.get()));
        return await(done.future());
    }

    @Override
    public void close() {
        await(vertx.close());
    }

    private void accept(NetSocket server) {
        server.pause();
        Fault own = nextConnections.poll();
        client.connect(redisPort, "127.0.0.1")
                .onSuccess(redis -> new Link(server, redis).open(own == null ? all : own))
                .onFailure(away -> server.close());
    }

    enum Direction {
        TO_REDIS,
        TO_SERVER
    }

    /** What becomes of the bytes on a connection. */
    interface Fault {
        /** None: all bytes go on at once. */
        Fault NONE = (link, direction, bytes) -> link.pass(direction, bytes);

        /** Both ends see the connection closed, at once. */
        Fault CUT = new Fault() {
            @Override
            public void begin(Link link) {
                link.close();
            }

            @Override
            public void carry(Link link, Direction direction, Buffer bytes) {}
        };

        /** All bytes are lost, and the connection stays silent for good. */
        Fault BLACK_HOLE = (link, direction, bytes) -> link.lose(direction);

        /** Every byte is a packet of its own. */
        Fault BYTE_BY_BYTE = (link, direction, bytes) -> {
            for (int i = 0; i < bytes.length(); i++) {
                link.pass(direction, bytes.slice(i, i + 1), link.last(direction).compose(written -> link.nextTurn()));
            }
        };

        /** All bytes arrive later by this time. */
        static Fault latency(Duration latency) {
            return (link, direction, bytes) -> link.pass(direction, bytes, link.after(latency));
        }

        /** In one direction nothing arrives until the fault is taken back. */
        static Fault halfOpen(Direction stopped) {
            return (link, direction, bytes) ->
                    link.pass(direction, bytes, direction == stopped ? link.over.future() : Future.succeededFuture());
        }

        /** The server's end is reset when this many bytes have come from Redis and there are more. */
        static Fault resetAfter(int replied) {
            return (link, direction, bytes) -> {
                int most = replied - link.replied;
                if (direction == Direction.TO_REDIS) {
                    link.pass(direction, bytes);
                } else if (bytes.length() <= most) {
                    link.replied += bytes.length();
                    link.pass(direction, bytes);
                } else if (!link.resetting) {
                    link.resetting = true;
                    link.pass(direction, bytes.slice(0, most));
                    link.last(direction).onComplete(written -> link.reset());
                }
            };
        }

        void carry(Link link, Direction direction, Buffer bytes);

        /** Called when a connection gets the fault. */
        default void begin(Link link) {}
    }

    /** One connection of the server, and the proxy's own to Redis that goes with it. */
    final class Link {
        private final NetSocket server;
        private final NetSocket redis;
        private final Set<String> carried = new HashSet<>();
        private final Map<Direction, Future<?>> last = new EnumMap<>(Direction.class);
        private Fault fault = Fault.NONE;
        private Promise<Void> over = Promise.promise();
        private int replied;
        private boolean resetting;

        private Link(NetSocket server, NetSocket redis) {
            this.server = server;
            this.redis = redis;
        }

        private void open(Fault first) {
            links.add(this);
            server.exceptionHandler(broken -> {}).closeHandler(closed -> close());
            redis.exceptionHandler(broken -> {}).closeHandler(closed -> close());
            server.handler(bytes -> {
                watchFor(commands(bytes));
                fault.carry(this, Direction.TO_REDIS, bytes);
            });
            redis.handler(bytes -> fault.carry(this, Direction.TO_SERVER, bytes));
            set(first);
            server.resume();
        }

        private void watchFor(Set<String> commands) {
            carried.addAll(commands);
            for (Trap trap : traps) {
                if (commands.contains(trap.command())) {
                    traps.remove(trap);
                    set(trap.fault());
                    return;
                }
            }
        }

        private static Set<String> commands(Buffer bytes) {
            var names = new HashSet<String>();
            Matcher matcher = COMMAND.matcher(bytes.toString(StandardCharsets.ISO_8859_1));
            while (matcher.find()) {
                names.add(matcher.group(1).toUpperCase(Locale.ROOT));
            }
            return names;
        }

        private void set(Fault next) {
            Promise<Void> ended = over;
            over = Promise.promise();
            replied = 0;
            fault = next;
            if (next != Fault.NONE) {
                faulty.incrementAndGet();
            }
            ended.complete();
            next.begin(this);
        }

        private Future<?> last(Direction direction) {
            return last.getOrDefault(direction, Future.succeededFuture());
        }

        private void pass(Direction direction, Buffer bytes) {
            pass(direction, bytes, Future.succeededFuture());
        }

        /** Sends on when the time has come, but never before what came earlier. */
        private void pass(Direction direction, Buffer bytes, Future<?> when) {
            NetSocket to = direction == Direction.TO_REDIS ? redis : server;
            last.put(
                    direction,
                    Future.join(last(direction), when)
                            .compose(ready -> to.write(bytes))
                            .otherwiseEmpty());
        }

        /** Nothing more arrives in this direction, ever. */
        private void lose(Direction direction) {
            last.put(direction, Promise.promise().future());
        }

        private Future<?> after(Duration time) {
            return vertx.timer(time.toMillis(), TimeUnit.MILLISECONDS);
        }

        private Future<Void> nextTurn() {
            Promise<Void> turned = Promise.promise();
            vertx.runOnContext(turn -> turned.complete());
            return turned.future();
        }

        private void close() {
            links.remove(this);
            server.close();
            redis.close();
        }

        private void reset() {
            // Closing then sends RST, not FIN.
            ((NetSocketInternal) server)
                    .channelHandlerContext()
                    .channel()
                    .config()
                    .setOption(ChannelOption.SO_LINGER, 0);
            close();
        }
    }
}
