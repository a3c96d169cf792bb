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
import java.util.concurrent.TimeUnit;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;
import licenseserver.memory.HeapShare;
import licenseserver.memory.Weight;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores when machines were last validated, without a write for each validation. It collects signs of life that are
 * worth a write ({@link Rules#isNews}) in memory, and writes them license by license after a pause, or as soon as half
 * of its share of the heap is in use. Signs for which there is no room are dropped and counted. If any are lost, for
 * example in a crash, the next validation brings them again.
 *
 * <p>Belongs to the event loop on which it is made; the share of the heap belongs to the whole process.
 */
public final class LastSeen {
    /** Few licenses are written at the same time, so that calls do not have to wait for this. */
    private static final int WRITERS = 4;

    /**
     * A license without the text of its key: the object of the key, its place in the map, and the map of its machines
     * with a small table.
     */
    private static final int LICENSE_BYTES = 16 + Weight.MAP_ENTRY + 48 + 32;

    /** A machine without its id. */
    private static final int MACHINE_BYTES = Weight.MAP_ENTRY + Weight.INSTANT;

    private static final Logger LOG = LoggerFactory.getLogger(LastSeen.class);

    private final Vertx vertx;
    private final LicenseStore licenses;
    private final HeapShare share;
    private final Context context;
    private final long timer;
    private Map<LicenseKey, Map<String, Instant>> waiting = new HashMap<>();
    private Future<?> round = Future.succeededFuture();

    /**
     * Writes to the store after each pause.
     *
     * @param share the share of the heap for signs that wait or are being written
     */
    public LastSeen(Vertx vertx, LicenseStore licenses, HeapShare share, Duration pause) {
        this.vertx = vertx;
        this.licenses = licenses;
        this.share = share;
        this.context = vertx.getOrCreateContext();
        this.timer = vertx.setPeriodic(pause.toMillis(), over -> write());
    }

    /** Notes that a license was validated at this time on one of its active machines. */
    public void note(LicenseKey key, Machine machine, Instant now) {
        if (!Rules.isNews(machine, now)) {
            return;
        }
        String machineId = machine.machineId();
        Map<String, Instant> machines = waiting.get(key);
        if (machines != null && machines.replace(machineId, now) != null) {
            return;
        }
        if (!share.take(weight(machineId) + (machines == null ? weight(key) : 0))) {
            return;
        }
        waiting.computeIfAbsent(key, first -> new HashMap<>(2)).put(machineId, now);
        if (share.isHalfTaken()) {
            write();
        }
    }

    private static long weight(LicenseKey key) {
        return LICENSE_BYTES + Weight.of(key.value());
    }

    private static long weight(String machineId) {
        return MACHINE_BYTES + Weight.of(machineId);
    }

    /**
     * Writes the signs that are waiting. Completes when each is written or has failed. While an earlier round is
     * running, it does nothing but return that one.
     */
    Future<?> write() {
        if (!round.isComplete() || waiting.isEmpty()) {
            return round;
        }
        var licensesToWrite = waiting.entrySet().iterator();
        waiting = new HashMap<>();
        var writers = new ArrayList<Future<Void>>();
        for (int i = 0; i < WRITERS; i++) {
            Promise<Void> written = Promise.promise();
            context.runOnContext(start -> writeNext(licensesToWrite, written));
            writers.add(written.future());
        }
        round = Future.join(writers);
        return round;
    }

    /**
     * Each license is written from the event loop, because a recursion over a whole round could overflow the stack.
     */
    private void writeNext(Iterator<Map.Entry<LicenseKey, Map<String, Instant>>> round, Promise<Void> written) {
        if (!round.hasNext()) {
            written.complete();
            return;
        }
        var next = round.next();
        round.remove();
        licenses.update(next.getKey(), license -> Rules.seen(license, next.getValue()))
                .onComplete(done -> context.runOnContext(again -> {
                    share.giveBack(weight(next.getKey())
                            + next.getValue().keySet().stream()
                                    .mapToLong(LastSeen::weight)
                                    .sum());
                    writeNext(round, written);
                }));
    }

    /**
     * Writes all waiting signs of a server that is stopping. Succeeds when that is done or the time is over; until
     * then the store must be open. May be called again for signs that came in the meantime.
     */
    public Future<?> writeAll(Duration atMost) {
        vertx.cancelTimer(timer);
        return round.eventually(this::write)
                .timeout(atMost.toMillis(), TimeUnit.MILLISECONDS)
                .onFailure(late -> LOG.warn("Signs of life of machines are lost: they were not written in time"))
                .otherwiseEmpty();
    }
}
