package licenseserver.redis;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.net.NetClient;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads single keys at a high rate, on one long-lived {@link RespConnection} to each server.
 *
 * <p>Each connection is replaced every 10 s, so that it follows a host name that leads to another server. It is
 * replaced only if somebody reads; if Redis cannot be reached, the pauses between the attempts grow. All work is done
 * on the event loop on which the reader was made; a read from there does not change threads.
 */
public final class RedisReader {
    /** How many reads may be under way. One more is refused at once. */
    private static final int MAX_UNDER_WAY = 10_000;

    private final Consumer<Set<RedisNode>> leaving = this::leaveOthersThan;

    /** How many redirections of a cluster a read follows. */
    private static final int MAX_REDIRECTIONS = 5;

    private static final Duration LEASE = Duration.ofSeconds(10);

    private static final long FIRST_PAUSE_MILLIS = 25;
    private static final long LONGEST_PAUSE_MILLIS = 500;

    private static final Buffer ASKING = RespConnection.command("ASKING");

    private final Vertx vertx;
    private final Context context;
    private final NetClient client;
    private final RedisSettings settings;
    private final RedisTopology topology;
    private final Duration timeout;
    private final Duration lease;
    private final Map<RedisNode, Line> lines = new HashMap<>();
    private volatile @Nullable Thread eventLoop;
    private int underWay;
    private volatile boolean closed;

    /**
     * A reader on the current event loop.
     *
     * @param settings how Redis is reached
     * @param topology where it is now; shared by the whole process
     * @param timeout the longest time for a connect, and for any reply
     */
    public RedisReader(Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout) {
        this(vertx, settings, topology, timeout, LEASE);
    }

    /** The same, with another time after which connections are replaced. */
    RedisReader(Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout, Duration lease) {
        this.vertx = vertx;
        this.context = vertx.getOrCreateContext();
        this.client = vertx.createNetClient(settings.clientOptions(timeout));
        this.settings = settings;
        this.topology = topology;
        this.timeout = timeout;
        this.lease = lease;
        context.runOnContext(turn -> eventLoop = Thread.currentThread());
        topology.listeners().add(leaving);
    }

    /** Reads that wait for a server that is not a master any more are repeated at the one that is. */
    private void leaveOthersThan(Set<RedisNode> masters) {
        onEventLoop(() -> {
            for (Line line : List.copyOf(lines.values())) {
                if (!masters.contains(line.server)) {
                    line.leave();
                }
            }
        });
    }

    /**
     * Reads the value of a key. If the connection breaks, the read is repeated once, because the connection may have
     * been closed in the moment in which it was used.
     *
     * @return empty if there is no such key; fails with {@link StoreUnavailableException}
     */
    public Future<Optional<String>> get(String key, Deadline deadline) {
        var read = new Read(key, deadline);
        onEventLoop(read::start);
        return read.answer.future();
    }

    /** Closes all connections. Reads that are under way fail. */
    public Future<Void> close() {
        closed = true;
        topology.listeners().remove(leaving);
        return client.close();
    }

    private static StoreUnavailableException unavailable(Throwable failure) {
        return failure instanceof StoreUnavailableException known
                ? known
                : new StoreUnavailableException(ClientFailures.reason(failure));
    }

    private void onEventLoop(Runnable work) {
        if (Thread.currentThread() == eventLoop) {
            work.run();
        } else {
            context.runOnContext(turn -> work.run());
        }
    }

    /** One read, until it is answered. */
    private final class Read implements RespConnection.Receiver {
        private final String key;
        private final Deadline deadline;
        private final Promise<Optional<String>> answer = Promise.promise();
        private RedisNode asked;
        private int redirections;
        private boolean exceptionally;
        private boolean repeated;
        private boolean bounded;

        @SuppressWarnings("NullAway.Init") // set before it is asked, so before any reply
        Read(String key, Deadline deadline) {
            this.key = key;
            this.deadline = deadline;
        }

        void start() {
            if (topology.identity().isLost()) {
                answer.fail(StoreIdentity.loss());
                return;
            }
            if (underWay >= MAX_UNDER_WAY) {
                answer.fail(new StoreUnavailableException("too many reads wait for Redis"));
                return;
            }
            underWay++;
            ask();
        }

        private void ask() {
            if (closed) {
                end(() -> answer.tryFail(new StoreUnavailableException("the server stops")));
                return;
            }
            Future<RedisNode> server = topology.serverOf(key);
            if (server.succeeded()) {
                line(server.result()).ask(this);
            } else {
                bound();
                server.onSuccess(found -> onEventLoop(() -> line(found).ask(this)))
                        .onFailure(failure -> onEventLoop(() -> end(() -> answer.tryFail(unavailable(failure)))));
            }
        }

        /** A connection sees that replies arrive in time. This bounds whatever else the read waits for. */
        void bound() {
            if (!bounded) {
                bounded = true;
                deadline.bound(answer.future()).onFailure(late -> answer.tryFail(unavailable(late)));
            }
        }

        @Override
        public void receive(@Nullable Object reply) {
            if (reply instanceof String value) {
                end(() -> answer.tryComplete(Optional.of(value)));
            } else if (reply == null) {
                end(() -> answer.tryComplete(Optional.empty()));
            } else if (reply instanceof RespParser.Refusal refusal) {
                refused(refusal);
            } else {
                end(() -> answer.tryFail(new StoreUnavailableException("Redis answered with something else")));
            }
        }

        private void refused(RespParser.Refusal refusal) {
            Redirection elsewhere = Redirection.of(refusal, asked);
            if (elsewhere != null && redirections < MAX_REDIRECTIONS) {
                redirections++;
                exceptionally = elsewhere.onlyThisTime();
                if (!exceptionally) {
                    topology.moved(elsewhere.slot(), elsewhere.server());
                }
                line(elsewhere.server()).ask(this);
                return;
            }
            end(() -> answer.tryFail(new StoreUnavailableException(ClientFailures.answered(refusal.code()))));
        }

        @Override
        public void fail(StoreUnavailableException reason) {
            if (repeated || deadline.isOver()) {
                end(() -> answer.tryFail(reason));
            } else {
                repeated = true;
                bound();
                ask();
            }
        }

        private void end(Runnable telling) {
            underWay--;
            telling.run();
        }
    }

    private Line line(RedisNode server) {
        Line line = lines.get(server);
        if (line == null) {
            line = new Line(server);
            lines.put(server, line);
        }
        return line;
    }

    /** The line to one server: a connection, or the reads that wait for one. */
    private final class Line {
        private final RedisNode server;
        private final ArrayDeque<Read> waiting = new ArrayDeque<>();
        private @Nullable RespConnection connection;
        private boolean connecting;
        private boolean used;
        private int failures;

        Line(RedisNode server) {
            this.server = server;
        }

        void ask(Read read) {
            read.asked = server;
            if (connection == null) {
                read.bound();
                waiting.add(read);
                connect();
            } else {
                used = true;
                if (read.exceptionally) {
                    // The slot of the key is moving to this server, which would otherwise redirect the read back.
                    read.exceptionally = false;
                    connection.send(ASKING, RespConnection.NOBODY);
                }
                connection.get(read.key, read);
            }
        }

        private void connect() {
            if (connecting) {
                return;
            }
            connecting = true;
            RespConnection.open(vertx, client, server, settings, timeout)
                    .compose(opened -> topology.identity().verified(server, opened))
                    .onSuccess(this::use)
                    .onFailure(this::pause);
        }

        private void use(RespConnection opened) {
            connecting = false;
            failures = 0;
            RespConnection before = connection;
            connection = opened;
            if (before != null) {
                before.closeWhenUnused();
            }
            opened.closed().onComplete(end -> {
                if (connection == opened) {
                    connection = null;
                    topology.doubt(server);
                }
            });
            vertx.setTimer(lease.toMillis(), over -> renew(opened));
            for (Read next = waiting.poll(); next != null; next = waiting.poll()) {
                ask(next);
            }
        }

        private void renew(RespConnection old) {
            if (connection != old) {
                return;
            }
            if (used) {
                used = false;
                connect();
            } else {
                connection = null;
                old.closeWhenUnused();
                lines.remove(server, this);
            }
        }

        private void leave() {
            failWaiting(new StoreUnavailableException("the server of Redis is not a master any more"));
            if (connection != null) {
                connection.close();
            }
        }

        private void failWaiting(Throwable failure) {
            // Some of them ask again at once, and may be added again.
            List<Read> failing = List.copyOf(waiting);
            waiting.clear();
            failing.forEach(read -> read.fail(unavailable(failure)));
        }

        private void pause(Throwable failure) {
            topology.doubt(server);
            failWaiting(failure);
            long longest = Math.min(LONGEST_PAUSE_MILLIS, FIRST_PAUSE_MILLIS << Math.min(failures++, 10));
            vertx.setTimer(ThreadLocalRandom.current().nextLong(longest / 2, longest) + 1, over -> {
                connecting = false;
                if (!waiting.isEmpty() || connection != null) {
                    connect();
                }
            });
        }
    }

    /**
     * What a server of a cluster says about a key that it does not have: where to ask, from now on or only this time.
     */
    record Redirection(int slot, RedisNode server, boolean onlyThisTime) {
        /**
         * Reads the redirection from an error.
         *
         * @param asked the server that said it
         * @return null if the error is not a redirection
         */
        static @Nullable Redirection of(RespParser.Refusal refusal, RedisNode asked) {
            String[] words = refusal.message().split(" ", -1);
            boolean redirects = words.length == 3 && (words[0].equals("MOVED") || words[0].equals("ASK"));
            if (!redirects) {
                return null;
            }
            int colon = words[2].lastIndexOf(':');
            return new Redirection(
                    Integer.parseInt(words[1]),
                    RedisNode.named(
                            words[2].substring(0, colon), Integer.parseInt(words[2].substring(colon + 1)), asked),
                    words[0].equals("ASK"));
        }
    }
}
