package licenseserver.store;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Rules;
import licenseserver.memory.HeapShare;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores when machines were last validated, without a write for each validation: at most one for each machine and hour
 * ({@link Rules#isNews}). It collects signs of life in memory, and writes them together after a pause, or as soon as
 * some hundred have come. Signs for which there is no room are dropped and counted. If any are lost, for example in a
 * crash, the next validation brings them again.
 *
 * <p>Belongs to the event loop on which it is made; the share of the heap and what was seen lately belong to the whole
 * process.
 */
public final class LastSeen {
    private static final Logger LOG = LoggerFactory.getLogger(LastSeen.class);

    private final Vertx vertx;
    private final LicenseStore licenses;
    private final SeenLately lately;
    private final HeapShare share;
    private final Context context;
    private final long timer;

    /** New signs go into the last one. */
    private final ArrayDeque<Chunk> waiting = new ArrayDeque<>();

    private Future<?> round = Future.succeededFuture();
    private long lost;

    /**
     * Writes to the store after each pause.
     *
     * @param lately whose signs of life need no write
     * @param share the share of the heap for signs that wait or are being written
     */
    public LastSeen(Vertx vertx, LicenseStore licenses, SeenLately lately, HeapShare share, Duration pause) {
        this.vertx = vertx;
        this.licenses = licenses;
        this.lately = lately;
        this.share = share;
        this.context = vertx.getOrCreateContext();
        this.timer = vertx.setPeriodic(pause.toMillis(), over -> write());
    }

    /** Signs of life in the order in which they came, packed: 33 bytes for each if the key is one that was issued. */
    private static final class Chunk {
        static final int BYTES = 16 * 1024;

        private final ByteBuffer bytes = ByteBuffer.allocate(BYTES);
        private boolean hasFailed;

        /** Returns false if there is no room for it. */
        boolean add(byte[] key, long machine, int minute) {
            if (bytes.remaining() < Short.BYTES + key.length + Long.BYTES + Integer.BYTES) {
                return false;
            }
            bytes.putShort((short) key.length).put(key).putLong(machine).putInt(minute);
            return true;
        }

        List<Sign> signs() {
            var signs = new ArrayList<Sign>();
            for (ByteBuffer rest = bytes.duplicate().flip(); rest.hasRemaining(); ) {
                byte[] key = new byte[rest.getShort()];
                rest.get(key);
                signs.add(new Sign(
                        new LicenseKey(new String(key, StandardCharsets.UTF_8)), rest.getLong(), rest.getInt()));
            }
            return signs;
        }
    }

    /** Notes that a license was validated at this time on one of its active machines. */
    public void note(LicenseKey key, Machine machine, Instant now) {
        if (!Rules.isNews(machine, now)) {
            return;
        }
        long digest = Sign.digest(machine.machineId());
        long machineOfAll = Sign.digest(key, digest);
        int minute = Sign.minute(now);
        if (lately.add(machineOfAll, minute) && !add(key.value().getBytes(StandardCharsets.UTF_8), digest, minute)) {
            lately.remove(machineOfAll);
        }
    }

    private boolean add(byte[] key, long machine, int minute) {
        Chunk last = waiting.peekLast();
        if (last != null && last.add(key, machine, minute)) {
            return true;
        }
        if (!share.take(Chunk.BYTES)) {
            return false;
        }
        var next = new Chunk();
        next.add(key, machine, minute);
        waiting.add(next);
        if (last != null) {
            write(waiting.size() - 1);
        }
        return true;
    }

    /**
     * Writes the signs that are waiting. Completes when each is written or has failed. While an earlier round is
     * running, it does nothing but return that one.
     */
    Future<?> write() {
        return write(waiting.size());
    }

    private Future<?> write(int chunks) {
        if (round.isComplete() && chunks > 0) {
            Promise<Void> written = Promise.promise();
            round = written.future();
            writeNext(chunks, written);
        }
        return round;
    }

    /** Each chunk is written from the event loop, because a recursion over a whole round could overflow the stack. */
    private void writeNext(int chunks, Promise<Void> written) {
        context.runOnContext(turn -> {
            // No sign is added to it from now on.
            Chunk chunk = chunks == 0 ? null : waiting.poll();
            if (chunk == null) {
                written.complete();
                return;
            }
            List<Sign> signs = chunk.signs();
            licenses.addSigns(signs)
                    .onSuccess(done -> {
                        share.giveBack(Chunk.BYTES);
                        tellOfLost();
                        writeNext(chunks - 1, written);
                    })
                    .onFailure(failure -> {
                        failed(chunk, signs, failure);
                        written.complete();
                    });
        });
    }

    /**
     * Writes a chunk once more in the next round. Even if the store has it already, that is necessary: it may not have
     * removed the signs of licenses that are gone. If it fails again, the signs are dropped, so that a chunk that can
     * never be written does not hold up the others.
     */
    private void failed(Chunk chunk, List<Sign> signs, Throwable failure) {
        if (!chunk.hasFailed) {
            chunk.hasFailed = true;
            waiting.addFirst(chunk);
            return;
        }
        share.giveBack(Chunk.BYTES);
        signs.forEach(sign -> lately.remove(Sign.digest(sign.key(), sign.machine())));
        if (lost == 0) {
            LOG.warn("Signs of life of machines are dropped until they are seen again: {}", failure.getMessage());
        }
        lost += signs.size();
    }

    private void tellOfLost() {
        if (lost > 0) {
            LOG.warn("{} signs of life of machines were dropped until they are seen again", lost);
            lost = 0;
        }
    }

    /**
     * Writes all waiting signs of a server that is stopping. Succeeds when that is done or the time is over; until
     * then the store must be open. May be called again for signs that came in the meantime.
     */
    public Future<?> writeAll(Duration atMost) {
        vertx.cancelTimer(timer);
        return round.eventually(this::write)
                .timeout(atMost.toMillis(), TimeUnit.MILLISECONDS)
                .otherwiseEmpty()
                .onSuccess(end -> {
                    if (!round.isComplete() || !waiting.isEmpty()) {
                        LOG.warn("Signs of life of machines were not written in time");
                    }
                });
    }
}
