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
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
 * The connections of one event loop to the masters of Redis. Adds the limits that the Vert.x client lacks: on the
 * time that a call waits for a connection, on the time of every command, and on the harm that a connection in an
 * unknown state can do to its next borrower.
 *
 * <p>Each server has a client of its own, and the {@link RedisTopology} says for each lease which server to use. A
 * command that a server has certainly not carried out, for example because it is not a master any more, is tried
 * again until the deadline. A command that it may have carried out is not tried again. A change is not confirmed if
 * its server is not a master any more by then.
 *
 * <p>All failures of Redis are {@link StoreUnavailableException}s.
 */
public class RedisPool {
    /** For each server, opened as needed. Enough for many transactions to share one {@code fsync} (a group commit). */
    private static final int MAX_CONNECTIONS = 16;

    /** How many calls may be under way, most of them waiting for a connection. One more is refused at once. */
    private static final int MAX_CALLS = 1024;

    private static final int LONGEST_PAUSE_MILLIS = 100;

    private static final String NO_MASTER = "the server of Redis is no master any more";

    private final Vertx vertx;
    private final RedisSettings settings;
    private final RedisTopology topology;
    private final Duration timeout;
    private final int maxConnections;
    private final Map<RedisNode, Redis> clients = new ConcurrentHashMap<>();

    /**
     * The connections that have shown the identity of the store. The pool of the client does not say which ones are
     * new.
     */
    private final Set<RedisConnection> verified =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    private final AtomicInteger calls = new AtomicInteger();
    private final Consumer<Set<RedisNode>> leaving = this::leaveOthersThan;

    /**
     * A pool on the current event loop.
     *
     * @param settings how Redis is reached
     * @param topology where it is now; shared by the whole process
     * @param timeout the longest time for a connect, and for which a connection may be idle
     */
    public RedisPool(Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout) {
        this(vertx, settings, topology, timeout, MAX_CONNECTIONS);
    }

    /** The same, with at most so many connections to each server. */
    public RedisPool(
            Vertx vertx, RedisSettings settings, RedisTopology topology, Duration timeout, int maxConnections) {
        this.vertx = vertx;
        this.settings = settings;
        this.topology = topology;
        this.timeout = timeout;
        this.maxConnections = maxConnections;
        topology.listeners().add(leaving);
    }

    /**
     * Otherwise calls would wait for a frozen server until their deadline, although another server is the master by
     * now.
     */
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
        // Nobody holds a connection that is still being made, so only the limits of the socket can end one: a frozen
        // Redis
        // accepts connections and never greets. They also end idle connections; the next call makes a new one.
        settings.applyTo(options.getNetClientOptions(), timeout)
                .setReadIdleTimeout((int) timeout.toMillis())
                .setIdleTimeoutUnit(TimeUnit.MILLISECONDS);
        // The pool drops an idle connection before the socket ends it, because the socket could do so in the moment in
        // which
        // a call begins to use it.
        options.setPoolRecycleTimeout((int) timeout.toMillis() * 3 / 4)
                .setPoolCleanerInterval(Math.max(1, (int) timeout.toMillis() / 8));
        return options;
    }

    /**
     * Lends a connection to the master that has a key. It goes back to the pool when the future that {@code use}
     * returns is complete.
     *
     * @param use is called again, with another connection, if it fails with a {@link NothingDoneException}
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
                                // The reason why nothing worked in all that time says more than that the time is over.
                                .compose(again -> deadline.isOver()
                                        ? Future.failedFuture(failure)
                                        : lease(key, deadline, use, attempt + 1))
                        : Future.failedFuture(failure));
    }

    /** Completes after this time. */
    Future<?> pause(Duration time) {
        return vertx.timer(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** The first pause is short, because it may be enough to ask another server. */
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

    /** The key that holds the identity of the store; in a cluster, the first of them. */
    String identityKey() {
        return topology.identity().firstKey();
    }

    /** Whether a change is confirmed only when replicas have it. */
    public boolean waitsForReplicas() {
        return settings.replicasToWait() > 0;
    }

    /**
     * Sends commands on one key, in one write, and waits until enough replicas have what they changed.
     *
     * @return the replies, in the order of the commands; fails with {@link StoreUnavailableException} if any command
     *     fails
     */
    public Future<List<Response>> change(String key, Deadline deadline, Request... commands) {
        return beforeWrite(deadline)
                .compose(identified -> lease(key, deadline, lease -> lease.change(List.of(commands))));
    }

    /**
     * Sends commands on many keys, in one write to each master, and only once.
     *
     * @param changes the commands by a key that decides which master they go to
     * @return the replies by the same keys; fails with {@link StoreUnavailableException} if any command fails, or if
     *     its outcome is not known. Others may have been carried out then
     */
    public Future<Map<String, List<Response>>> changeEach(Map<String, List<Request>> changes, Deadline deadline) {
        List<Map.Entry<String, List<Request>>> entries = List.copyOf(changes.entrySet());
        return beforeWrite(deadline)
                .compose(identified -> deadline.bound(Future.all(entries.stream()
                        .map(entry -> topology.serverOf(entry.getKey()))
                        .toList())))
                .recover(failure -> Future.failedFuture(new StoreUnavailableException(ClientFailures.reason(failure))))
                .compose(servers -> {
                    Map<RedisNode, Map<String, List<Request>>> parts = new HashMap<>();
                    for (int i = 0; i < entries.size(); i++) {
                        parts.computeIfAbsent(servers.resultAt(i), server -> new LinkedHashMap<>())
                                .put(entries.get(i).getKey(), entries.get(i).getValue());
                    }
                    Map<String, List<Response>> replies = new HashMap<>();
                    return Future.all(parts.entrySet().stream()
                                    .map(part -> changeEachAt(part.getKey(), part.getValue(), deadline)
                                            .onSuccess(replies::putAll))
                                    .toList())
                            .map(replies);
                });
    }

    private Future<Map<String, List<Response>>> changeEachAt(
            RedisNode server, Map<String, List<Request>> changes, Deadline deadline) {
        List<Request> commands = changes.values().stream().flatMap(List::stream).toList();
        return changeAt(server, deadline, commands).map(all -> {
            Map<String, List<Response>> replies = new HashMap<>();
            int next = 0;
            for (var change : changes.entrySet()) {
                int end = next + change.getValue().size();
                replies.put(change.getKey(), all.subList(next, end));
                next = end;
            }
            return replies;
        });
    }

    /**
     * Sends commands on one key that change nothing, in one write.
     *
     * @return the replies, in the order of the commands; fails with {@link StoreUnavailableException} if any command
     *     fails
     */
    public Future<List<Response>> read(String key, Deadline deadline, Request... commands) {
        return lease(key, deadline, lease -> lease.read(List.of(commands)));
    }

    /**
     * Groups keys by the master that has them now, so that the commands on a group can be sent in one write. The keys
     * keep their order.
     *
     * @return fails with {@link StoreUnavailableException} if the master of a key is not known
     */
    public Future<List<List<String>>> byServer(Collection<String> keys) {
        List<Future<RedisNode>> servers = keys.stream().map(topology::serverOf).toList();
        return Future.all(servers).map(known -> {
            Map<RedisNode, List<String>> groups = new LinkedHashMap<>();
            int i = 0;
            for (String key : keys) {
                groups.computeIfAbsent(servers.get(i++).result(), server -> new ArrayList<>())
                        .add(key);
            }
            return List.copyOf(groups.values());
        });
    }

    /**
     * Sends commands to one server, in one write, and only once. Waits for no replica, so they should change nothing,
     * or only what a later change makes certain.
     */
    Future<List<Response>> askAt(RedisNode server, Deadline deadline, Request... commands) {
        return leaseAt(server, deadline, lease -> lease.read(List.of(commands)));
    }

    /** Sends changes to one server, in one write, and only once, even if the store has no identity yet. */
    Future<List<Response>> changeAt(RedisNode server, Deadline deadline, List<Request> commands) {
        return leaseAt(server, deadline, lease -> lease.change(commands));
    }

    private Future<Void> beforeWrite(Deadline deadline) {
        return deadline.bound(topology.identity().beforeWrite())
                .recover(failure -> Future.failedFuture(new StoreUnavailableException(ClientFailures.reason(failure))));
    }

    /** Sends commands on a connection, in one write. A test can override this to let a server die at any command. */
    public Future<List<Response>> send(RedisConnection connection, List<Request> commands) {
        return connection.batch(commands);
    }

    /** Closes all connections. */
    public Future<Void> close() {
        topology.listeners().remove(leaving);
        return Future.join(clients.values().stream().map(Redis::close).toList()).mapEmpty();
    }

    /**
     * The client's pool hands out connections as they were given back: with their WATCH, in the middle of a MULTI, or
     * with a reply still to come. So a connection in an unknown state is thrown away: SELECT marks it as not
     * reusable, and then {@code close} closes its socket.
     */
    private static void giveBack(RedisConnection connection, boolean clean) {
        if (!clean) {
            connection.send(Request.cmd(Command.SELECT).arg(0));
        }
        connection.close();
    }

    /** A connection to a master that is lent to one user. */
    final class Lease {
        private final RedisNode server;
        private final RedisConnection connection;
        private final Deadline deadline;

        private Lease(RedisNode server, RedisConnection connection, Deadline deadline) {
            this.server = server;
            this.connection = connection;
            this.deadline = deadline;
        }

        /** This lease; fails if the server does not have the identity of the store any more. */
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

        /**
         * Sends commands that change nothing, in one write. If any of them fails, this fails, and no reply is known.
         */
        Future<List<Response>> read(List<Request> commands) {
            return send(commands)
                    .recover(failure ->
                            failed(failure, ClientFailures.isTemporary(failure) || ClientFailures.isBroken(failure)))
                    .compose(replies -> stillMaster()
                            .compose(still -> still
                                    ? Future.succeededFuture(replies)
                                    : Future.failedFuture(new NothingDoneException(NO_MASTER))));
        }

        /**
         * Sends commands in one write; complete when enough replicas have what they changed. If any of them fails,
         * this fails, and no reply is known.
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
         * Carries commands out as one step, unless a watched key has changed; complete when enough replicas have the
         * change.
         *
         * @return their replies; null if nothing was done
         */
        Future<@Nullable Response> execute(List<Request> commands) {
            var step = new ArrayList<Request>();
            step.add(command(Command.MULTI));
            step.addAll(commands);
            step.add(command(Command.EXEC));
            return beforeWrite(deadline)
                    .compose(identified -> stillMaster())
                    .compose(still -> still ? send(step) : Future.failedFuture(new NothingDoneException(NO_MASTER)))
                    // If a command is refused, EXEC does nothing, but only if MULTI itself was not refused.
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

        /** Takes back every WATCH; complete when enough replicas have what was read. */
        Future<Void> keep() {
            // Nothing waits for it: whatever the next borrower sends comes after it.
            connection.send(Request.cmd(Command.UNWATCH));
            return replicated();
        }

        private Future<List<Response>> send(List<Request> commands) {
            return deadline.isOver()
                    ? Future.failedFuture(new NothingDoneException(ClientFailures.reason(new TimeoutException())))
                    : deadline.bound(RedisPool.this.send(connection, commands));
        }

        /** Tells the topology of a failure, and turns it into what a caller may see. */
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
         * A change is confirmed only if a master has made it. A server that was frozen or cut off, and was replaced
         * meanwhile, answers as if it still were a master, until it learns that it is not and drops what it has
         * confirmed.
         */
        private Future<Void> confirmed() {
            return replicated()
                    .compose(replicated -> stillMaster())
                    .compose(still -> still
                            ? Future.succeededFuture()
                            : Future.failedFuture(new StoreUnavailableException(NO_MASTER)));
        }

        /**
         * WAIT covers everything that the server had changed by the last command on this connection, whoever changed
         * it.
         */
        private Future<Void> replicated() {
            int wanted = settings.replicasToWait();
            if (wanted == 0) {
                return Future.succeededFuture();
            }
            // WAIT must answer, with however many there are, before this side gives the connection up.
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
