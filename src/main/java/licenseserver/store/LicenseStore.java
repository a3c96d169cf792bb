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
 * Keeps the licenses. All methods are linearizable, answer within a bounded time, may be repeated, and fail with {@link
 * StoreUnavailableException} where the store cannot answer, with {@link UnreadableLicenseException} where the stored
 * record is no license.
 */
public interface LicenseStore {
    /**
     * Creates the license of an e-mail that has none.
     *
     * @param issue makes a license for that e-mail with a new key; called again where that key is taken
     */
    Future<Registration> register(Email email, Supplier<License> issue);

    /** The license with this key; empty where there is none. */
    Future<Optional<License>> find(LicenseKey key);

    /** The license that was sold to this address; empty where there is none. */
    Future<Optional<License>> findByEmail(Email email);

    /**
     * Lets a rule decide on a license, and stores what it decides as one atomic step. The license that it saves may have
     * another key, or another e-mail (not both at once), than before: the old key is unknown at once, the old e-mail free, and a crash in between
     * is healed by the next call. It fails with {@link EmailTakenException}, and nothing is changed, where another license
     * has that e-mail.
     *
     * @param rule a pure function, run again when another change came first; it is given null where no license has this key,
     *     and may then only keep
     * @return the reply of the decision that took effect
     */
    <R> Future<R> update(LicenseKey key, Function<@Nullable License, Decision<R>> rule);

    /**
     * Mends the record under this key if it cannot be read; a readable license stays as it is. Fails with {@link
     * EmailTakenException}, and nothing is changed, if another license has the e-mail of the replacement.
     *
     * @param replacement takes the place of the record, under this key whatever its own says; null to remove the record, with
     *     its history and what leads to it from the addresses that it shows
     * @return whether there was such a record
     */
    Future<Boolean> mendUnreadable(LicenseKey key, @Nullable License replacement, Instant now);

    /** What has happened to the license with this key; without events where there is no such license. */
    Future<History> history(LicenseKey key);

    /**
     * The last changes of all licenses, newest first, each a JSON object: the license's key and the event. Best effort: a
     * change appears a moment after it was made, and may be missing after a fault.
     *
     * @param most how many at most
     */
    Future<List<String>> recentEvents(int most);
}
