package licenseserver.capability;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Supplier;
import licenseserver.http.Access;
import licenseserver.redis.RedisPool;
import licenseserver.store.LicenseStore;
import licenseserver.store.Validations;

/**
 * What capabilities find on an event loop. Everything here belongs to that loop.
 *
 * @param clock read once for each call
 * @param readiness what the server is ready for; may be asked at any time
 * @param admin admits those who may change licenses
 * @param licenses the licenses, for the calls of customers' machines
 * @param sellerLicenses the same licenses over separate connections, so that admin calls never wait behind those of
 *     machines
 * @param validations answers whether a license may be used on a machine
 * @param told completes when all subscribers know what this server has changed so far; a call that shows a view waits for it
 * @param redis connections for what capabilities keep in Redis themselves
 * @param redisTimeout the longest that a call waits for Redis
 */
public record EventLoop(
        Vertx vertx,
        InstantSource clock,
        Supplier<Readiness> readiness,
        Access admin,
        LicenseStore licenses,
        LicenseStore sellerLicenses,
        Validations validations,
        Supplier<Future<?>> told,
        RedisPool redis,
        Duration redisTimeout) {}
