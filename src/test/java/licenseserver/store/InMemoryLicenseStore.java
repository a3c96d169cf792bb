package licenseserver.store;

import io.vertx.core.Future;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;

/**
 * Licenses in a map, under the keys and as the text that {@link RedisLicenseStore} has in Redis; one call at a time. For
 * tests of what uses a store.
 */
public final class InMemoryLicenseStore implements LicenseStore {
    private static final int MAX_ATTEMPTS = 20;

    private final Map<String, String> records = new HashMap<>();

    /** Places a record as an import from elsewhere would: under {@code license:KEY} or {@code email:ADDRESS}. */
    public synchronized void put(String redisKey, String record) {
        records.put(redisKey, record);
    }

    @Override
    public synchronized Future<Registration> register(Email email, Supplier<License> issue) {
        return result(() -> {
            for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
                License candidate = issue.get();
                String claim =
                        records.getOrDefault(indexOf(email), candidate.key().value());
                LicenseKey key = new LicenseKey(claim);
                License holder = read(key);
                if (holder == null) {
                    records.put(indexOf(email), claim);
                    records.put(licenseAt(key), LicenseJson.encode(candidate.withKey(key)));
                    return new Registration(true, key);
                }
                if (holder.belongsTo(email)) {
                    return new Registration(false, key);
                }
                records.remove(indexOf(email));
            }
            throw new StoreUnavailableException("every key that was issued is taken");
        });
    }

    @Override
    public synchronized Future<Optional<License>> find(LicenseKey key) {
        return result(() -> Optional.ofNullable(read(key)));
    }

    @Override
    public synchronized Future<Optional<License>> findByEmail(Email email) {
        return result(() -> Optional.ofNullable(records.get(indexOf(email)))
                .map(key -> read(new LicenseKey(key)))
                .filter(license -> license.belongsTo(email)));
    }

    @Override
    public synchronized <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        return result(() -> {
            Decision<R> decision = rule.apply(read(key));
            if (decision instanceof Decision.Save<R> save) {
                records.put(licenseAt(key), LicenseJson.encode(save.license()));
            }
            return decision.reply();
        });
    }

    private @Nullable License read(LicenseKey key) {
        String record = records.get(licenseAt(key));
        return record == null ? null : LicenseJson.decode(record);
    }

    private static <T> Future<T> result(Supplier<T> call) {
        return Future.succeededFuture().map(start -> call.get());
    }

    private static String licenseAt(LicenseKey key) {
        return "license:" + key.value();
    }

    private static String indexOf(Email email) {
        return "email:" + email.address();
    }
}
