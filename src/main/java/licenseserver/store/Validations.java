package licenseserver.store;

import io.vertx.core.Future;
import java.time.Instant;
import java.util.Optional;
import licenseserver.license.Answer;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;
import licenseserver.license.Verdict;
import licenseserver.redis.StoreUnavailableException;
import licenseserver.store.NearCache.Remembered;
import org.jspecify.annotations.Nullable;

/**
 * Answers whether a license may be used on a machine, and notes the sign of life of a machine that may use it.
 *
 * <p>The answer comes from the near cache if that is a "yes", and from the store otherwise: a machine that was activated a moment
 * ago on another server must not be turned away. While the store cannot answer, it comes from what was last read, again only
 * if that is a "yes" and as long as the cache allows it.
 *
 * <p>Belongs to the event loop of its store.
 */
public final class Validations {
    private final LicenseStore licenses;
    private final NearCache cache;
    private final LastSeen lastSeen;

    /** Validates against this store, and against the cache that the store fills. */
    public Validations(LicenseStore licenses, NearCache cache, LastSeen lastSeen) {
        this.licenses = licenses;
        this.cache = cache;
        this.lastSeen = lastSeen;
    }

    /**
     * Returns the verdict, with the license that it is about. The future is complete at once if the answer comes from the cache;
     * it fails as {@link LicenseStore#find} does.
     */
    public Future<Answer> validate(LicenseKey key, String machineId, Instant now) {
        Answer remembered = yes(cache.now(key), machineId, now);
        if (remembered != null) {
            return Future.succeededFuture(remembered);
        }
        Future<Optional<License>> found = licenses.find(key);
        if (!cache.isOn()) {
            return found.map(license -> answer(license.orElse(null), machineId, now));
        }
        return found.compose(
                license -> Future.succeededFuture(answer(license.orElse(null), machineId, now)), failure -> {
                    Answer before = failure instanceof StoreUnavailableException
                            ? yes(cache.beforeOutage(key), machineId, now)
                            : null;
                    return before == null ? Future.failedFuture(failure) : Future.succeededFuture(before);
                });
    }

    /** Notes the sign of life of a machine that was activated, as some apps activate at every start instead of validating. */
    public void noteActivated(Answer answer, String machineId, Instant now) {
        License license = answer.license();
        if (answer.verdict() == Verdict.OK && license != null) {
            license.machine(machineId).ifPresent(machine -> lastSeen.note(license.key(), machine, now));
        }
    }

    private @Nullable Answer yes(@Nullable Remembered remembered, String machineId, Instant now) {
        Machine machine = remembered == null ? null : remembered.machines().get(machineId);
        if (remembered == null || machine == null) {
            return null;
        }
        Answer answer = answer(remembered.license(), machine, now);
        return answer.verdict() == Verdict.OK ? answer : null;
    }

    private Answer answer(@Nullable License license, String machineId, Instant now) {
        return license == null
                ? new Answer(Verdict.NOT_FOUND, null)
                : answer(license, license.machine(machineId).orElse(null), now);
    }

    private Answer answer(License license, @Nullable Machine machine, Instant now) {
        Answer answer = Rules.validate(license, machine != null, now);
        if (machine != null && answer.verdict() == Verdict.OK) {
            lastSeen.note(license.key(), machine, now);
        }
        return answer;
    }
}
