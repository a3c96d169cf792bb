package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.net.NetClient;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import licenseserver.license.LicenseKey;
import licenseserver.redis.RedisNode;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.RespConnection;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears from Redis which licenses have changed, and tells the {@link NearCache}. It has one connection to each
 * master, on which Redis pushes the name of every record that is written ({@code CLIENT TRACKING} in broadcast mode).
 * Nothing else is asked on it, so that nothing delays the news. The cache counts as fed only while every master has
 * such a connection and answers on it.
 */
public final class ChangeFeed extends VerticleBase {
    private static final Logger LOG = LoggerFactory.getLogger(ChangeFeed.class);

    /** How often to check that exactly the masters are listened to. */
    private static final Duration INTERVAL = Duration.ofMillis(250);

    /** After this silence a master is sent a PING, and has the same time again to answer it. */
    static final Duration SILENCE = Duration.ofMillis(400);

    /** The most time by which news can be late unnoticed: two silences, and the time between two checks for each. */
    static final Duration LATEST_NEWS =
            SILENCE.multipliedBy(2).plus(RespConnection.LONGEST_PAUSE_BETWEEN_CHECKS.multipliedBy(2));

    private final NearCache cache;
    private final RedisSettings settings;
    private final RedisTopology topology;
    private final Map<RedisNode, RespConnection> heard = new HashMap<>();
    private final Set<RedisNode> connecting = new HashSet<>();
    private @Nullable NetClient client;
    private boolean fed;
    private boolean failureTold;
    private boolean stopped;

    /**
     * A feed that begins when it is deployed.
     *
     * @param cache is told what has changed
     * @param settings how Redis is reached
     * @param topology where it is now; shared by the whole process
     */
    public ChangeFeed(NearCache cache, RedisSettings settings, RedisTopology topology) {
        this.cache = cache;
        this.settings = settings;
        this.topology = topology;
    }

    @Override
    public Future<?> start() {
        client = vertx.createNetClient(settings.clientOptions(SILENCE));
        vertx.setPeriodic(0, INTERVAL.toMillis(), check -> look());
        return Future.succeededFuture();
    }

    @Override
    public Future<?> stop() {
        stopped = true;
        cache.notFed();
        return client == null ? Future.succeededFuture() : client.close();
    }

    private void look() {
        topology.masters()
                .onComplete(masters ->
                        context.runOnContext(turn -> listenTo(masters.succeeded() ? masters.result() : Set.of())));
    }

    private void listenTo(Set<RedisNode> masters) {
        if (stopped) {
            return;
        }
        for (RedisNode former : Set.copyOf(heard.keySet())) {
            if (!masters.contains(former)) {
                RespConnection unneeded = heard.remove(former);
                if (unneeded != null) {
                    unneeded.close();
                }
            }
        }
        for (RedisNode master : masters) {
            if (!heard.containsKey(master) && connecting.add(master)) {
                listen(master);
            }
        }
        boolean whole = !masters.isEmpty() && heard.keySet().equals(masters);
        if (whole && !fed) {
            cache.fed();
            failureTold = false;
            LOG.info("The near cache hears of every change");
        } else if (fed && !whole) {
            lose("the masters have changed");
        }
        fed = whole;
    }

    private void listen(RedisNode master) {
        RespConnection.open(vertx, client(), master, settings, SILENCE, SILENCE)
                .compose(connection -> topology.identity().verified(master, connection))
                .compose(connection -> listen(master, connection).onFailure(refused -> connection.close()))
                .onFailure(failure -> lose(String.valueOf(failure.getMessage())))
                .onComplete(done -> {
                    connecting.remove(master);
                    look();
                });
    }

    private NetClient client() {
        if (client == null) {
            throw new IllegalStateException("not started");
        }
        return client;
    }

    private Future<?> listen(RedisNode master, RespConnection connection) {
        connection.onPush(this::hear);
        return connection
                .ask("HELLO", "3")
                .compose(resp3 -> connection.ask("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", RedisKeys.RECORDS))
                .onSuccess(tracking -> {
                    heard.put(master, connection);
                    connection.closed().onComplete(end -> {
                        if (heard.remove(master, connection)) {
                            lose("the connection it is fed by ended");
                        }
                    });
                });
    }

    private void hear(List<@Nullable Object> push) {
        if (push.size() != 2 || !"invalidate".equals(push.get(0))) {
            return;
        }
        if (push.get(1) instanceof List<?> names) {
            for (Object name : names) {
                cache.changed(new LicenseKey(String.valueOf(name).substring(RedisKeys.RECORDS.length())));
            }
        } else {
            // Redis was flushed.
            cache.allChanged();
        }
    }

    private void lose(String why) {
        if (fed) {
            fed = false;
            cache.notFed();
        }
        if (!failureTold && !stopped) {
            failureTold = true;
            LOG.warn("The near cache is off until it hears of every change again: {}", why);
        }
    }
}
