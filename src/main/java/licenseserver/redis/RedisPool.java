package licenseserver.redis;

import static licenseserver.redis.RedisCommands.command;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.RedisConnection;
import io.vertx.redis.client.RedisOptions;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import io.vertx.redis.client.impl.PooledRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one event loop to the masters of Redis, with the bounds that the client has not of its own: on waiting for
 * a connection, on every command, and on what a connection left in an unknown state can do to its next borrower.
 *
 * <p>The client is used for one server at a time only: which server that is, the {@link RedisTopology} says, anew for each lease.
 * What a server has certainly not done, for example as it is no master any more, is tried again until the deadline; what it may have
 * done is not, and neither is it confirmed where the server is no master any more by then.
 *
 * <p>All failures of Redis are {@link StoreUnavailableException}s.
 */
public class RedisPool {
    /** To each server, opened as needed. Enough that {@code appendfsync always} is shared by many transactions (a group commit). */
    private static final int MAX_CONNECTIONS = 16;

    /** Calls that may be under way, most of them waiting for a connection; one more is refused at once. */
    private static final int MAX_CALLS = 1024;

    private static final int LONGEST_PAUSE_MILLIS = 100;

    private static final String NO_MASTER = "the server of Redis is no master any more";

    private final Vertx vertx;
    private final RedisSettings settings;
    private final RedisTopology topology;
    private final Duration timeout;
    private final int maxConnections;
    private final Map<RedisNode, Redis> clients = new ConcurrentHashMap<>();

    /** The connections that have shown the store's identity. The client's pool does not say which ones are new. */
    private final Set<RedisConnection> verified =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    private final AtomicInteger calls = new AtomicInteger();
    private final Consumer<Set<RedisNode>> leaving = this::leaveOthersThan;

    public RedisPool(Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout) {
        this(vertx, settings, topology, timeout, MAX_CONNECTIONS);
    }

    public RedisPool(
            Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout, int maxConnections) {
        this.vertx = vertx;
        this.settings = settings;
        this.topology = topology;
        this.timeout = timeout;
        this.maxConnections = maxConnections;
        topology.listeners().add(leaving);
    }

    /** What waits for a frozen server would else do so until its time is over, although another server is the master by now. */
    private void leaveOthersThan(Set<RedisNode> masters) {
        clients.forEach((server, client) -> {
            if (!masters.contains(server) && clients.remove(server, client)) {
                client.close();
            }
        });
    }

    private RedisOptions options(RedisNode server) {
        var options = new RedisOptions()
                .setConnectionString(
                        (settings.isEncrypted() ? "rediss://" : "redis://") + server + "/" + settings.database())
                .setMaxPoolSize(maxConnections)
                .setMaxPoolWaiting(MAX_CALLS);
        if (settings.user() != null) {
            options.setUser(settings.user());
        }
        if (settings.password() != null) {
            options.setPassword(settings.password());
        }
        // The socket's own bounds free a connection that is still being made, which nobody has in hand to close: a
        // frozen
        // Redis accepts connections and never greets. They end idle connections, too; the next call makes a new one.
        settings.applyTo(options.getNetClientOptions(), timeout)
                .setReadIdleTimeout((int) timeout.toMillis())
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
        // The pool gives up what lies idle before the socket does: that one closes in the instant of a call's using it,
        // too.
        options.setPoolRecycleTimeout((int) timeout.toMillis() * 3 / 4)
                .setPoolCleanerInterval(Math.max(1, (int) timeout.toMillis() / 8));
        return options;
    }

    /**
     * Lends a connection to the master that has a key; it goes back to the pool when the future that {@code use} returns is
     * complete.
     *
     * @param use called again, with another connection, where it fails with a {@link NothingDoneException}
     */
    <T> Future<T> lease(String key, Deadline deadline, Function<Lease, Future<T>> use) {
        if (topology.identity().isLost()) {
            return Future.failedFuture(StoreIdentity.loss());
        }
        if (calls.incrementAndGet() > MAX_CALLS) {
            calls.decrementAndGet();
            return Future.failedFuture(new StoreUnavailableException("too many calls wait for Redis"));
        }
        return lease(key, deadline, use, 1).onComplete(done -> calls.decrementAndGet());
    }

    private <T> Future<T> lease(String key, Deadline deadline, Function<Lease, Future<T>> use, int attempt) {
        return deadline.bound(topology.serverOf(key))
                .recover(unknown -> Future.failedFuture(new NothingDoneException(ClientFailures.reason(unknown))))
                .compose(server -> leaseAt(server, deadline, use))
                .recover(failure -> failure instanceof NothingDoneException && !deadline.isOver()
                        ? pauseAfter(attempt)
                                // Why there was nothing to be had in all that time says more than that it is over.
                                .compose(again -> deadline.isOver()
                                        ? Future.failedFuture(failure)
                                        : lease(key, deadline, use, attempt + 1))
                        : Future.failedFuture(failure));
    }

    public Future<?> pause(Duration time) {
        return vertx.timer(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The first pause is short: it may be enough to ask another server. */
    private Future<?> pauseAfter(int attempt) {
        int longest = Math.min(LONGEST_PAUSE_MILLIS, 2 << Math.min(attempt, 10));
        return vertx.timer(ThreadLocalRandom.current().nextInt(1, longest + 1), TimeUnit.MILLISECONDS);
    }

    private <T> Future<T> leaseAt(RedisNode server, Deadline deadline, Function<Lease, Future<T>> use) {
        if (deadline.isOver()) {
            return Future.failedFuture(new NothingDoneException(ClientFailures.reason(new TimeoutException())));
        }
        Future<RedisConnection> connecting = client(server).connect();
        return deadline.bound(connecting)
                .onFailure(late -> connecting.onSuccess(RedisConnection::close))
                .recover(failure -> {
                    topology.doubt(server);
                    return Future.failedFuture(new NothingDoneException(ClientFailures.reason(failure)));
                })
                .compose(connection -> {
                    var lease = new Lease(server, connection, deadline);
                    return lease.verified().compose(use).onComplete(done -> giveBack(connection, done.succeeded()));
                });
    }

    private Redis client(RedisNode server) {
        Redis client = clients.get(server);
        if (client != null) {
            return client;
        }
        return clients.computeIfAbsent(server, added -> Redis.createClient(vertx, options(added)));
    }

    /** The key whose value tells whether the data is still that which this process has seen. */
    public String identityKey() {
        return topology.identity().firstKey();
    }

    /** Whether what is confirmed must be on replicas, too. */
    public boolean waitsForReplicas() {
        return settings.replicasToWait() > 0;
    }

    /** Sends commands on one key, in one write; the replies are in their order. */
    public Future<List<Response>> change(String key, Deadline deadline, Request... commands) {
        return beforeWrite(deadline)
                .compose(identified -> lease(key, deadline, lease -> lease.change(List.of(commands))));
    }

    /** Sends commands on one key that change nothing, in one write. */
    public Future<List<Response>> read(String key, Deadline deadline, Request... commands) {
        return lease(key, deadline, lease -> lease.read(List.of(commands)));
    }

    /**
     * Sends commands to one server, in one write, and once only. Waits for no replica, so they should change nothing, or
     * nothing that matters before a later change.
     */
    public Future<List<Response>> askAt(RedisNode server, Deadline deadline, Request... commands) {
        return leaseAt(server, deadline, lease -> lease.read(List.of(commands)));
    }

    /** Sends commands to one server, in one write, and once only; also if the store has no identity yet. */
    public Future<List<Response>> changeAt(RedisNode server, Deadline deadline, List<Request> commands) {
        return leaseAt(server, deadline, lease -> lease.change(commands));
    }

    private Future<Void> beforeWrite(Deadline deadline) {
        return deadline.bound(topology.identity().beforeWrite())
                .recover(failure -> Future.failedFuture(new StoreUnavailableException(ClientFailures.reason(failure))));
    }

    /** Sends commands on a connection, in one write. */
    public Future<List<Response>> send(RedisConnection connection, List<Request> commands) {
        return connection.batch(commands);
    }

    public Future<Void> close() {
        topology.listeners().remove(leaving);
        return Future.join(clients.values().stream().map(Redis::close).toList()).mapEmpty();
    }

    /**
     * The pool hands out connections as they were given back: with their WATCH, in the middle of a MULTI, or with a reply
     * still to come. So one whose state is unknown is thrown away: SELECT marks it as not reusable, whereupon {@code close}
     * closes its socket.
     */
    private static void giveBack(RedisConnection connection, boolean clean) {
        if (!clean) {
            connection.send(Request.cmd(Command.SELECT).arg(0));
        }
        connection.close();
    }

    /** A connection in hand to a master, used by nobody else meanwhile. */
    final class Lease {
        private final RedisNode server;
        private final RedisConnection connection;
        private final Deadline deadline;

        private Lease(RedisNode server, RedisConnection connection, Deadline deadline) {
            this.server = server;
            this.connection = connection;
            this.deadline = deadline;
        }

        /** This lease; fails if the server does not have the store's identity any more. */
        private Future<Lease> verified() {
            RedisConnection actual = ((PooledRedisConnection) connection).actual();
            String key = verified.contains(actual) ? null : topology.identity().keyAt(server);
            return key == null
                    ? Future.succeededFuture(this)
                    : read(List.of(command(Command.GET, key)))
                            .compose(replies -> topology.identity()
                                    .verify(
                                            server,
                                            RedisCommands.text(replies.get(0)).orElse(null)))
                            .onSuccess(same -> verified.add(actual))
                            .map(this);
        }

        /** Sends commands that change nothing, in one write; fails where any of them does, and then tells no reply. */
        public Future<List<Response>> read(List<Request> commands) {
            return send(commands)
                    .recover(failure ->
                            failed(failure, ClientFailures.isTemporary(failure) || ClientFailures.isBroken(failure)))
                    .compose(replies -> stillMaster()
                            .compose(still -> still
                                    ? Future.succeededFuture(replies)
                                    : Future.failedFuture(new NothingDoneException(NO_MASTER))));
        }

        /**
         * Sends commands in one write, and is done when enough replicas have what they change; fails where any of them does, and
         * then tells no reply.
         */
        Future<List<Response>> change(List<Request> commands) {
            return send(commands)
                    .recover(failure -> failed(
                            failure,
                            ClientFailures.isTemporary(failure)
                                    && ClientFailures.refused(failure).size() == commands.size()))
                    .compose(replies -> confirmed().map(replies));
        }

        /**
         * Carries commands out as one step, unless what is watched has changed; done when enough replicas have that.
         *
         * @return their replies; null where nothing was done
         */
        Future<@Nullable Response> execute(List<Request> commands) {
            var step = new ArrayList<Request>();
            step.add(command(Command.MULTI));
            step.addAll(commands);
            step.add(command(Command.EXEC));
            return beforeWrite(deadline)
                    .compose(identified -> stillMaster())
                    .compose(still -> still ? send(step) : Future.failedFuture(new NothingDoneException(NO_MASTER)))
                    // A command that is refused makes EXEC do nothing, if only MULTI was not.
                    .recover(failure -> failed(
                            failure,
                            ClientFailures.isTemporary(failure)
                                    && ClientFailures.refused(failure).get(0).index() > 0))
                    .compose(replies -> {
                        Response executed = replies.get(replies.size() - 1);
                        return executed == null
                                ? Future.succeededFuture()
                                : confirmed().map(executed);
                    });
        }

        /** Takes back every WATCH; done when enough replicas have what was read. */
        Future<Void> keep() {
            // Not waited for: what the next borrower sends comes after it.
            connection.send(Request.cmd(Command.UNWATCH));
            return replicated();
        }

        private Future<List<Response>> send(List<Request> commands) {
            return deadline.isOver()
                    ? Future.failedFuture(new NothingDoneException(ClientFailures.reason(new TimeoutException())))
                    : deadline.bound(RedisPool.this.send(connection, commands));
        }

        /** Tells the topology of a failure, and makes of it what a caller may see. */
        private <T> Future<T> failed(Throwable failure, boolean nothingDone) {
            if (failure instanceof StoreUnavailableException) {
                return Future.failedFuture(failure);
            }
            List<ClientFailures.Refused> refused = ClientFailures.refused(failure);
            RedisReader.Redirection redirection = refused.isEmpty()
                    ? null
                    : RedisReader.Redirection.of(
                            new RespParser.Refusal(refused.get(0).message()), server);
            if (redirection != null && !redirection.onlyThisTime()) {
                topology.moved(redirection.slot(), redirection.server());
            } else if (redirection == null
                    && (ClientFailures.isTemporary(failure) || ClientFailures.isBroken(failure))) {
                topology.doubt(server);
            }
            boolean mayBeAskedAgain = nothingDone || ClientFailures.wasNotSent(failure);
            return Future.failedFuture(
                    mayBeAskedAgain
                            ? new NothingDoneException(ClientFailures.reason(failure))
                            : new StoreUnavailableException(ClientFailures.reason(failure)));
        }

        private Future<Boolean> stillMaster() {
            return deadline.bound(topology.masters())
                    .map(masters -> masters.contains(server))
                    .otherwise(false);
        }

        /**
         * A change is confirmed when it was certainly made by a master: a server that was frozen or cut off, and has been replaced
         * meanwhile, answers as if it still were one, until it learns otherwise and forgets what it has answered.
         */
        private Future<Void> confirmed() {
            return replicated()
                    .compose(replicated -> stillMaster())
                    .compose(still -> still
                            ? Future.succeededFuture()
                            : Future.failedFuture(new StoreUnavailableException(NO_MASTER)));
        }

        /** WAIT is for all that the server had changed until the last command on this connection, whoever changed it. */
        private Future<Void> replicated() {
            int wanted = settings.replicasToWait();
            if (wanted == 0) {
                return Future.succeededFuture();
            }
            // WAIT is to say how many there are before this side gives the connection up.
            long patience = Math.max(1, deadline.millisLeft() * 9 / 10);
            return send(List.of(command(Command.WAIT, String.valueOf(wanted), String.valueOf(patience))))
                    .recover(failure -> {
                        topology.doubt(server);
                        return Future.failedFuture(new StoreUnavailableException(ClientFailures.reason(failure)));
                    })
                    .compose(replies -> replies.get(0).toInteger() >= wanted
                            ? Future.succeededFuture()
                            : Future.failedFuture(new StoreUnavailableException("of the " + wanted
                                    + " replicas that must have a change only " + replies.get(0) + " have it")));
        }
    }
}
