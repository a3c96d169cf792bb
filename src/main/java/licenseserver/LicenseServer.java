package licenseserver;

import io.vertx.core.DeploymentOptions;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.http.HttpServer;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import licenseserver.access.AdminSecret;
import licenseserver.api.StoreFailures;
import licenseserver.capability.EventLoop;
import licenseserver.capability.Readiness;
import licenseserver.event.Outbox;
import licenseserver.event.Subscriber;
import licenseserver.http.HttpSettings;
import licenseserver.http.OpenConnections;
import licenseserver.http.Pipeline;
import licenseserver.idempotency.Idempotency;
import licenseserver.idempotency.RedisIdempotencyStore;
import licenseserver.memory.HeapBudget;
import licenseserver.memory.HeapShare;
import licenseserver.redis.RedisMonitor;
import licenseserver.redis.RedisPool;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import licenseserver.redis.embedded.DataFolder;
import licenseserver.redis.embedded.EmbeddedRedis;
import licenseserver.store.ChangeFeed;
import licenseserver.store.HistorySettings;
import licenseserver.store.LastSeen;
import licenseserver.store.LicenseTurns;
import licenseserver.store.NearCache;
import licenseserver.store.RedisLicenseStore;
import licenseserver.store.SeenLately;
import licenseserver.store.Validations;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole server. It is deployed once and serves on one event loop per core. The start succeeds as soon as the
 * server listens, whether or not Redis can be reached by then.
 */
public final class LicenseServer extends VerticleBase {
    private static final Logger LOG = LoggerFactory.getLogger(LicenseServer.class);

    /** How long signs of life of machines are gathered before they are written. */
    private static final Duration LAST_SEEN_PAUSE = Duration.ofSeconds(10);

    /**
     * The longest that the head of a request may take, from its first byte to its end. Apps send it in one packet.
     */
    private static final Duration HEAD_PATIENCE = Duration.ofSeconds(10);

    /**
     * Connections of each event loop to each server of Redis. The calls of capabilities are few beside those of
     * licenses.
     */
    private static final int CONNECTIONS_OF_CAPABILITIES = 2;

    private final Configuration config;
    private final OpenConnections connections = new OpenConnections(HeapBudget.CONNECTIONS.bytes(), HEAD_PATIENCE);
    private final HeapShare bodies = new HeapShare(HeapBudget.REQUEST_BODIES.bytes(), "requests with a body got 503");
    private final SeenLately seenLately = new SeenLately(HeapBudget.SIGNS_OF_LIFE.bytes() / 2);
    private final HeapShare signsOfLife = new HeapShare(
            HeapBudget.SIGNS_OF_LIFE.bytes() / 2, "signs of life of machines were dropped until they are seen again");
    private final LicenseTurns turns = new LicenseTurns();

    /**
     * A separate queue, so that the seller can change a license however many calls of machines are waiting for it.
     */
    private final LicenseTurns sellerTurns = new LicenseTurns();

    private final NearCache cache;
    private @Nullable DataFolder dataFolder;
    private volatile @Nullable EmbeddedRedis embeddedRedis;
    private @Nullable RedisTopology topology;
    private @Nullable RedisMonitor monitor;
    private volatile int port;
    private volatile boolean stopping;

    /** Makes a server with these settings. */
    LicenseServer(Configuration config) {
        this.config = config;
        this.cache = config.store().nearCache()
                ? NearCache.on(
                        config.store().validateStaleness(), InstantSource.system(), HeapBudget.NEAR_CACHE.bytes())
                : NearCache.off();
    }

    /** Returns the port that it listens on; 0 until it is started. */
    public int port() {
        return port;
    }

    @Override
    public Future<?> start() {
        return vertx.executeBlocking(this::prepare)
                .compose(needs -> {
                    RedisTopology shared = RedisTopology.of(vertx, needs.redis());
                    topology = shared;
                    return settleIdentity(needs, shared).compose(settled -> serve(needs, shared));
                })
                .onSuccess(listening -> LOG.info(
                        "License server {} listens on {}:{}",
                        Version.text(),
                        config.http().host(),
                        port))
                .recover(failure -> stop().transform(stopped -> Future.failedFuture(failure)));
    }

    private Future<?> serve(Needs needs, RedisTopology shared) {
        monitor = new RedisMonitor(vertx, needs.redis(), shared, Wiring.contents(config), cache::outage);
        Future<?> feeding = cache.isOn()
                ? vertx.deployVerticle(new ChangeFeed(cache, needs.redis(), shared))
                : Future.succeededFuture();
        return feeding.compose(fed -> vertx.deployVerticle(
                () -> new Loop(needs, shared),
                new DeploymentOptions().setInstances(Runtime.getRuntime().availableProcessors())));
    }

    /** Compares the identity of the embedded Redis with the one that the data folder remembers. */
    private Future<?> settleIdentity(Needs needs, RedisTopology shared) {
        DataFolder folder = dataFolder;
        if (folder == null) {
            return Future.succeededFuture();
        }
        return vertx.executeBlocking(folder::storeIdentity)
                .compose(remembered -> shared.identity()
                        .settle(vertx, needs.redis(), shared, remembered.orElse(null))
                        .compose(settled -> settled.isEmpty()
                                ? Future.failedFuture(
                                        new IOException(("The embedded Redis has lost its data: it holds another"
                                                        + " store, or none, than the data folder %s remembers. Bring its files back"
                                                        + " from a backup; or delete %s to accept what is there.")
                                                .formatted(folder.path(), folder.storeIdentityFile())))
                                : vertx.executeBlocking(() -> {
                                    folder.rememberStoreIdentity(settled.get());
                                    return null;
                                })));
    }

    /**
     * Where Redis is, what admin calls need, how histories are signed, and the outbox; each is configured, or made by
     * the server.
     */
    private record Needs(RedisSettings redis, AdminSecret adminSecret, HistorySettings history, Outbox outbox) {}

    private Needs prepare() throws IOException {
        RedisSettings redis = config.redis();
        String adminSecret = config.access().adminSecret();
        HistorySettings history = config.store().history();
        if (redis == null) {
            dataFolder = DataFolder.open(config.embedded().dataDir());
            if (adminSecret == null) {
                adminSecret = dataFolder.adminSecret();
                LOG.info("No ADMIN_SECRET is set: use the one in {}", dataFolder.adminSecretFile());
            }
            if (history.secret() == null) {
                history = history.withSecret(dataFolder.historySecret());
            }
            var own = new EmbeddedRedis(dataFolder);
            embeddedRedis = own;
            if (stopping) {
                own.cancelStart();
            }
            own.start();
            redis = RedisSettings.of(own.url());
        }
        return new Needs(
                redis,
                new AdminSecret(Objects.requireNonNull(adminSecret, "required with a REDIS_URL")),
                history,
                new Outbox(redis.kind() == RedisSettings.Kind.CLUSTER));
    }

    private Readiness readiness() {
        if (stopping) {
            return Readiness.STOPPING;
        }
        if (monitor == null) {
            return Readiness.STORE_UNAVAILABLE;
        }
        return switch (monitor.state()) {
            case USABLE -> Readiness.READY;
            case AWAY -> cache.bridges(monitor.sinceAnswer()) ? Readiness.DEGRADED : Readiness.STORE_UNAVAILABLE;
            case LOST -> Readiness.STORE_LOST;
            case WITHOUT_RIGHTS -> Readiness.RIGHTS_MISSING;
        };
    }

    /**
     * Says in /readyz from now on that the server is stopping; calls are still answered. If the embedded Redis is
     * still starting, that is cancelled, and the start fails. May be called at any time and from any thread.
     */
    void announceStop() {
        stopping = true;
        EmbeddedRedis own = embeddedRedis;
        if (own != null) {
            own.cancelStart();
        }
    }

    /** Called after all event loops have stopped serving. */
    @Override
    public Future<?> stop() {
        Future<Void> unwatched = monitor == null ? Future.succeededFuture() : monitor.close();
        if (topology != null) {
            topology.close();
        }
        return unwatched.eventually(() -> vertx.executeBlocking(this::closeEmbedded));
    }

    private @Nullable Void closeEmbedded() throws IOException {
        EmbeddedRedis own = embeddedRedis;
        if (own != null) {
            own.close();
        }
        if (dataFolder != null) {
            dataFolder.close();
        }
        return null;
    }

    /** Serves on one event loop. */
    private final class Loop extends VerticleBase {
        private final Needs needs;
        private final RedisTopology topology;
        private @Nullable HttpServer http;
        private RedisLicenseStore store;
        private RedisLicenseStore sellerStore;
        private RedisPool redis;
        private RedisIdempotencyStore requests;
        private LastSeen lastSeen;

        @SuppressWarnings("NullAway.Init") // set by start, which comes before all else
        Loop(Needs needs, RedisTopology topology) {
            this.needs = needs;
            this.topology = topology;
        }

        @Override
        public Future<?> start() {
            store = newStore(turns);
            sellerStore = newStore(sellerTurns);
            redis = new RedisPool(vertx, needs.redis(), topology, config.redisTimeout(), CONNECTIONS_OF_CAPABILITIES);
            requests = new RedisIdempotencyStore(vertx, redis, config.redisTimeout());
            lastSeen = new LastSeen(vertx, store, seenLately, signsOfLife, LAST_SEEN_PAUSE);
            var loop = new EventLoop(
                    vertx,
                    InstantSource.system(),
                    LicenseServer.this::readiness,
                    needs.adminSecret(),
                    store,
                    sellerStore,
                    new Validations(store, cache, lastSeen),
                    sellerStore::told,
                    redis,
                    config.redisTimeout());
            List<Subscriber> subscribers = Wiring.subscribers(config.capabilities(), loop);
            store.tell(subscribers);
            sellerStore.tell(subscribers);
            sellerStore.sweepFromNowOn();
            HttpSettings settings = config.http();
            var pipeline = new Pipeline(
                    vertx,
                    Wiring.routes(config.capabilities(), loop),
                    new Idempotency(vertx, requests, sellerStore),
                    StoreFailures::translate,
                    settings,
                    bodies,
                    () -> stopping);
            return pipeline.listen(settings.port() == 0 ? -1 : settings.port(), connections)
                    .onSuccess(listening -> {
                        http = listening;
                        port = listening.actualPort();
                    });
        }

        private RedisLicenseStore newStore(LicenseTurns lines) {
            return new RedisLicenseStore(
                    vertx,
                    needs.redis(),
                    topology,
                    config.redisTimeout(),
                    lines,
                    needs.history(),
                    cache,
                    needs.outbox());
        }

        /**
         * Accepts no more connections and finishes the calls that have begun, within most of the time that stopping
         * may take. Meanwhile the gathered signs of life are written, and after the last calls theirs.
         */
        @Override
        public Future<?> stop() {
            stopping = true;
            Duration most = config.shutdown().timeout();
            Future<?> written = lastSeen.writeAll(most.dividedBy(2));
            Future<?> finished = http == null
                    ? Future.succeededFuture()
                    : http.shutdown(most.multipliedBy(8).dividedBy(10).toMillis(), TimeUnit.MILLISECONDS);
            return finished.eventually(() -> written)
                    .eventually(() -> lastSeen.writeAll(most.dividedBy(10)))
                    .eventually(store::close)
                    .eventually(sellerStore::close)
                    .eventually(() -> {
                        requests.close();
                        return redis.close();
                    });
        }
    }
}
