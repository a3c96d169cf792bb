package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Redis;
import io.vertx.redis.client.Request;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.event.Outbox;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.RedisTopology;
import org.jspecify.annotations.Nullable;

/** The mistake that this server exists to avoid: looks, decides, then writes. The tests of atomicity must find it. */
public final class CheckThenActStore implements LicenseStore {
    private final RedisLicenseStore reading;
    private final Redis writing;

    public CheckThenActStore(Vertx vertx, String url) {
        RedisSettings settings = RedisSettings.of(url);
        this.reading = new RedisLicenseStore(
                vertx,
                settings,
                RedisTopology.of(vertx, settings),
                Duration.ofSeconds(5),
                new LicenseTurns(),
                new HistorySettings(0, null, null),
                NearCache.off(),
                new Outbox(false));
        this.writing = Redis.createClient(vertx, url);
    }

    @Override
    public Future<Registration> register(Email email, Supplier<License> issue) {
        return reading.findByEmail(email).compose(known -> {
            if (known.isPresent()) {
                return Future.succeededFuture(
                        new Registration(false, known.get().key()));
            }
            License license = issue.get();
            return set("license:" + license.key().value(), LicenseJson.encode(license))
                    .compose(done ->
                            set("email:" + email.address(), license.key().value()))
                    .map(new Registration(true, license.key()));
        });
    }

    @Override
    public Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now) {
        return reading.mendUnreadable(key, replacement, now);
    }

    @Override
    public Future<Optional<License>> find(LicenseKey key) {
        return reading.find(key);
    }

    @Override
    public Future<Optional<License>> findByEmail(Email email) {
        return reading.findByEmail(email);
    }

    @Override
    public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        return reading.find(key).compose(license -> {
            Decision<R> decision = rule.apply(license.orElse(null));
            return decision instanceof Decision.Save<R> save
                    ? set("license:" + key.value(), LicenseJson.encode(save.license()))
                            .map(decision.reply())
                    : Future.succeededFuture(decision.reply());
        });
    }

    @Override
    public Future<Void> addSigns(List<Sign> signs) {
        return reading.addSigns(signs);
    }

    @Override
    public Future<License> withSigns(License license) {
        return reading.withSigns(license);
    }

    @Override
    public Future<History> history(LicenseKey key) {
        return reading.history(key);
    }

    @Override
    public Future<List<String>> recentEvents(int most) {
        return reading.recentEvents(most);
    }

    private Future<?> set(String key, String value) {
        return writing.send(Request.cmd(Command.SET).arg(key).arg(value));
    }
}
