package licenseserver.http;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import licenseserver.memory.HeapShare;
import licenseserver.memory.Weight;

/**
 * Receives the bodies of requests, with limits on size, time and memory. Belongs to one event loop.
 *
 * <p>One timer watches all of them: a timer for each took 6 % of the time of a validation.
 */
public final class RequestBodies {
    /** The largest body that is accepted, in bytes. The calls need a few hundred. */
    public static final int MAX_BYTES = 16 * 1024;

    private static final int DIGITS_OF_MAX_BYTES = String.valueOf(MAX_BYTES).length();

    /**
     * How much of a larger body is read and dropped, so that its sender sees the refusal instead of a broken
     * connection.
     */
    private static final int MAX_BYTES_READ_OVER = 1024 * 1024;

    /** How often late bodies are looked for, at the least. */
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(500);

    private static final Buffer NOTHING = Buffer.buffer();

    /**
     * Bodies up to this size are covered by the weight of their connection. The bodies of apps have a few hundred
     * bytes and arrive in one piece.
     */
    private static final int BYTES_NOT_WEIGHED = 256;

    /**
     * The most memory that reading a body takes for each of its fields, besides the text: an entry in a map, a name
     * and a number.
     */
    private static final int FIELD_BYTES = Weight.MAP_ENTRY + 72;

    private final Duration patience;
    private final HeapShare share;

    /** The incomplete bodies. Each knows its index, so that it can be removed without a search. */
    private final List<Arriving> arriving = new ArrayList<>();

    /**
     * Receives bodies within these limits.
     *
     * @param patience the longest that a sender may take for a body
     * @param share of the heap, for the bodies on all event loops, from their first byte until they are answered
     */
    public RequestBodies(Vertx vertx, Duration patience, HeapShare share) {
        this.patience = patience;
        this.share = share;
        vertx.setPeriodic(
                Math.max(1, Math.min(LONGEST_PAUSE.toMillis(), patience.toMillis() / 10)), check -> refuseLate());
    }

    /** Hears that a body is refused. */
    public interface Refusal {
        /**
         * Answers the request, unless it has an answer. May be called a second time, to end the connection.
         *
         * @param reply says why: the body is too large, too slow or broken, or there is no room for it
         * @param goesOn whether further requests can follow on the connection
         */
        void refuse(Reply reply, boolean goesOn);
    }

    /**
     * Receives the whole body, which is empty if the request has none.
     *
     * @param taken gets the body, unless it is refused, and has finished with it when its future completes
     */
    public void receive(HttpServerRequest request, Function<Buffer, Future<Reply>> taken, Refusal refused) {
        boolean waits = request.headers().contains(HttpHeaders.EXPECT, HttpHeaders.CONTINUE, true);
        long announced = announcedBytes(request);
        var body = new Arriving(System.nanoTime() + patience.toNanos(), taken, refused);
        if (announced > MAX_BYTES) {
            // A sender that waits for an answer may leave the body out, so nobody can tell what it will send next.
            body.answered = announced <= MAX_BYTES_READ_OVER && !waits;
            refused.refuse(Reply.BODY_TOO_LARGE, body.answered);
            if (!body.answered) {
                return;
            }
        } else if (waits) {
            request.response().writeContinue();
        }
        body.enter();
        request.handler(body::add);
        request.exceptionHandler(broken -> body.refuse(Reply.BAD_REQUEST, false));
        request.endHandler(end -> body.end());
    }

    /** The value of {@code Content-Length}; 0 if there is none, or if it has too few digits to matter. */
    private static long announcedBytes(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return length == null || length.length() < DIGITS_OF_MAX_BYTES ? 0 : Long.parseLong(length);
    }

    private void refuseLate() {
        long now = System.nanoTime();
        for (Arriving each : List.copyOf(arriving)) {
            if (now - each.due >= 0) {
                each.refuse(Reply.BODY_TOO_SLOW, false);
            }
        }
    }

    private final class Arriving {
        private final long due;
        private final Function<Buffer, Future<Reply>> taken;
        private final Refusal refused;
        private int place;
        private boolean done;

        /** Whether it was refused and is only read so that the next request can follow. */
        private boolean answered;

        private Buffer received = NOTHING;
        private int chunks;
        private long size;
        private long weight;

        Arriving(long due, Function<Buffer, Future<Reply>> taken, Refusal refused) {
            this.due = due;
            this.taken = taken;
            this.refused = refused;
        }

        void enter() {
            place = arriving.size();
            arriving.add(this);
        }

        /** Fills its place with the last one. */
        private void leave() {
            Arriving last = arriving.remove(arriving.size() - 1);
            if (last != this) {
                arriving.set(place, last);
                last.place = place;
            }
        }

        void add(Buffer chunk) {
            size += chunk.length();
            if (done || answered) {
                return;
            }
            if (size <= MAX_BYTES) {
                // A growing buffer takes up to twice its content.
                if (size > BYTES_NOT_WEIGHED && !weighs(2 * size, false)) {
                    return;
                }
                // Most bodies come in one piece, which need not be copied.
                received = switch (chunks++) {
                    case 0 -> chunk;
                    case 1 -> Buffer.buffer().appendBuffer(received).appendBuffer(chunk);
                    default -> received.appendBuffer(chunk);
                };
            } else if (size > MAX_BYTES_READ_OVER) {
                refuse(Reply.BODY_TOO_LARGE, false);
            } else {
                received = NOTHING;
                giveBack();
            }
        }

        /** Returns whether there is room for this weight; refuses the body if not. */
        private boolean weighs(long bytes, boolean goesOn) {
            if (bytes > weight) {
                if (!share.take(bytes - weight)) {
                    refuse(Reply.UNAVAILABLE, goesOn);
                    return false;
                }
                weight = bytes;
            }
            return true;
        }

        private void giveBack() {
            if (weight > 0) {
                share.giveBack(weight);
                weight = 0;
            }
        }

        void end() {
            if (size > MAX_BYTES) {
                refuse(Reply.BODY_TOO_LARGE, true);
            } else if (!done && (size <= BYTES_NOT_WEIGHED || weighs(2 * size + FIELD_BYTES * mostFields(), true))) {
                done = true;
                leave();
                Future<Reply> answered = taken.apply(received);
                received = NOTHING;
                if (weight > 0) {
                    answered.onComplete(reply -> giveBack());
                }
            }
        }

        private long mostFields() {
            long commas = 0;
            for (byte each : received.getBytes()) {
                commas += each == ',' ? 1 : 0;
            }
            return commas + 1;
        }

        void refuse(Reply reply, boolean goesOn) {
            if (!done) {
                done = true;
                leave();
                received = NOTHING;
                giveBack();
                refused.refuse(reply, goesOn);
            }
        }
    }
}
