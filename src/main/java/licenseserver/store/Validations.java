package licenseserver.store;

import io.vertx.core.Future;
import java.time.Instant;
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
 * Answers whether a license may be used on a machine, and notes the sign of life if it may.
 *
 * <p>A "yes" can come from the near cache. Anything else comes from the store, because the machine may have been
 * activated on another server a moment ago. While the store cannot answer, a "yes" can come from what was last read,
 * for as long as the cache allows that.
 *
 * <p>Belongs to the event loop of its store.
 */
public final class Validations {
    private final LicenseStore licenses;
    private final NearCache cache;
    private final LastSeen lastSeen;

    /**
     * Validates licenses of a store.
     *
     * @param cache the one that the store fills
     * @param lastSeen gets the signs of life
     */
    public Validations(LicenseStore licenses, NearCache cache, LastSeen lastSeen) {
        this.licenses = licenses;
        this.cache = cache;
        this.lastSeen = lastSeen;
    }

    /**
     * Returns the verdict and the license that it is about. If the answer comes from the cache, the future has
     * succeeded already. Fails if {@link LicenseStore#find(LicenseKey)} fails.
     *
     * @param machineId any text; if it is not the id of an active machine, the answer is "no"
     */
    public Future<Answer> validate(LicenseKey key, String machineId, Instant now) {
        Answer remembered = yes(cache.now(key), machineId, now);
        if (remembered != null) {
            return Future.succeededFuture(remembered);
        }
        Future<Answer> asked = licenses.find(key, license -> answer(license.orElse(null), machineId, now));
        if (!cache.isOn()) {
            return asked;
        }
        return asked.recover(failure -> {
            Answer before =
                    failure instanceof StoreUnavailableException ? yes(cache.beforeOutage(key), machineId, now) : null;
            return before == null ? Future.failedFuture(failure) : Future.succeededFuture(before);
        });
    }

    /**
     * Notes a sign of life if an activation has succeeded: some apps activate at every start instead of validating.
     */
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
