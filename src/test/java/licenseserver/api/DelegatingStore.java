package licenseserver.api;

import io.vertx.core.Future;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import licenseserver.license.Decision;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.store.History;
import licenseserver.store.LicenseStore;
import licenseserver.store.Registration;
import licenseserver.store.Sign;
import org.jspecify.annotations.Nullable;

/** Another store, to override what a test wants to watch or to delay. */
public class DelegatingStore implements LicenseStore {
    private final LicenseStore licenses;

    public DelegatingStore(LicenseStore licenses) {
        this.licenses = licenses;
    }

    @Override
    public Future<Registration> register(Email email, Supplier<License> issue) {
        return licenses.register(email, issue);
    }

    @Override
    public Future<Optional<License>> find(LicenseKey key) {
        return licenses.find(key);
    }

    @Override
    public Future<Optional<License>> findByEmail(Email email) {
        return licenses.findByEmail(email);
    }

    @Override
    public <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule) {
        return licenses.update(key, rule);
    }

    @Override
    public Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now) {
        return licenses.mendUnreadable(key, replacement, now);
    }

    @Override
    public Future<Void> addSigns(List<Sign> signs) {
        return licenses.addSigns(signs);
    }

    @Override
    public Future<License> withSigns(License license) {
        return licenses.withSigns(license);
    }

    @Override
    public Future<History> history(LicenseKey key) {
        return licenses.history(key);
    }

    @Override
    public Future<List<String>> recentEvents(int most) {
        return licenses.recentEvents(most);
    }
}
