package licenseserver.store;

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
import licenseserver.redis.StoreUnavailableException;
import org.jspecify.annotations.Nullable;

/**
 * Stores licenses. All methods are linearizable, complete within a bounded time, and may be repeated. They fail with
 * {@link StoreUnavailableException} if the store cannot answer, and with {@link UnreadableLicenseException} if the
 * stored record is not a license.
 */
public interface LicenseStore {
    /**
     * Creates a license for an e-mail, unless it has one.
     *
     * @param issue makes a license for that e-mail with a new key; it is called again if the key is taken
     */
    Future<Registration> register(Email email, Supplier<License> issue);

    /** Returns the license with this key; empty if there is none. */
    Future<Optional<License>> find(LicenseKey key);

    /**
     * Does the same as {@code find(key).map(look)}. A store can do both in one step, which spares each validation a
     * future.
     *
     * @param look gets the license; empty if there is none
     */
    default <R> Future<R> find(LicenseKey key, Function<Optional<License>, R> look) {
        return find(key).map(look);
    }

    /** Returns the license that was sold to this address; empty if there is none. */
    Future<Optional<License>> findByEmail(Email email);

    /**
     * Lets a rule decide on a license, and stores the decision in one atomic step. The saved license may have another
     * key or another e-mail than before, but not both. The old key is then unknown at once and the old e-mail is free;
     * the next call completes what a crash has interrupted. Fails with {@link EmailTakenException}, and changes
     * nothing, if another license has the new e-mail.
     *
     * @param rule a pure function, which runs again if another change came first; it gets null if no license has this
     *     key, and must return {@link Decision.Keep} then. Unless it keeps the license for certain, it also runs on the
     *     license {@linkplain #withSigns with its signs of life}, which are stored with the change
     * @return the reply of the decision that took effect
     */
    <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule);

    /**
     * Replaces or removes the record under this key if it cannot be read; a readable record stays as it is. Fails with
     * {@link EmailTakenException}, and changes nothing, if another license has the e-mail of the replacement.
     *
     * @param replacement the new license, which is stored under this key even if it names another; null to remove the
     *     record, its history, and the index entries of the addresses in its text
     * @return whether there was an unreadable record
     */
    Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now);

    /**
     * Stores when machines were last seen, beside their licenses. Signs of licenses that are gone leave nothing behind.
     * If it fails, some of the signs may be stored.
     */
    Future<Void> addSigns(List<Sign> signs);

    /**
     * Returns a license as it was read, with those {@linkplain #addSigns signs of life} that are later than what it
     * says itself.
     */
    Future<License> withSigns(License license);

    /** Returns the history of the license with this key; without events if there is no such license. */
    Future<History> history(LicenseKey key);

    /**
     * Returns the latest changes of all licenses, newest first. Each is a JSON object with the license's key and the
     * event. A change appears a moment after it was made, and can be missing after a failure.
     *
     * @param most the most changes to return
     */
    Future<List<String>> recentEvents(int most);
}
