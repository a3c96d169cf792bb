package licenseserver.store;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Rules;

/**
 * Keeps when machines were last validated, without a write per validation: gathers in memory which machines gave a sign of
 * life that is news ({@link Rules#isNews}), and writes them license by license once in a while. What a crash loses comes again
 * with the next validation.
 *
 * <p>Belongs to the event loop it is made on.
 */
public final class LastSeen {
    /** Machines that may wait to be written; what comes beyond is dropped, and comes again. */
    private static final int MAX_WAITING = 100_000;

    /** Licenses written at a time, so that this never crowds out calls. */
    private static final int WRITERS = 4;

    private final LicenseStore licenses;
    private final Context context;
    private Map<LicenseKey, Map<String, Instant>> waiting = new HashMap<>();
    private int machines;
    private boolean writing;

    /** Writes to the store what has gathered, each time the pause is over. */
    public LastSeen(Vertx vertx, LicenseStore licenses, Duration pause) {
        this.licenses = licenses;
        this.context = vertx.getOrCreateContext();
        vertx.setPeriodic(pause.toMillis(), timer -> write());
    }

    /** Takes note that a license was validated on a machine that is active on it. */
    public void note(License license, String machineId, Instant now) {
        boolean isNews = license.machine(machineId)
                .filter(machine -> Rules.isNews(machine, now))
                .isPresent();
        if (isNews && machines < MAX_WAITING) {
            Instant before = waiting.computeIfAbsent(license.key(), key -> new HashMap<>())
                    .put(machineId, now);
            machines += before == null ? 1 : 0;
        }
    }

    /** Writes what has gathered; done when all is written or has failed. Does nothing while an earlier round goes on. */
    Future<?> write() {
        if (writing || waiting.isEmpty()) {
            return Future.succeededFuture();
        }
        writing = true;
        var round = waiting.entrySet().iterator();
        waiting = new HashMap<>();
        machines = 0;
        var writers = new ArrayList<Future<Void>>();
        for (int i = 0; i < WRITERS; i++) {
            Promise<Void> written = Promise.promise();
            context.runOnContext(start -> writeNext(round, written));
            writers.add(written.future());
        }
        return Future.join(writers).onComplete(done -> writing = false);
    }

    /** Writes one license after the other, each from the event loop, as a round can be longer than a stack is deep. */
    private void writeNext(Iterator<Map.Entry<LicenseKey, Map<String, Instant>>> round, Promise<Void> written) {
        if (!round.hasNext()) {
            written.complete();
            return;
        }
        var next = round.next();
        licenses.update(next.getKey(), license -> Rules.seen(license, next.getValue()))
                .onComplete(done -> context.runOnContext(again -> writeNext(round, written)));
    }
}
