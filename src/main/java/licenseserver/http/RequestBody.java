package licenseserver.http;

import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import java.time.Duration;

/** Receives the body of a request, within bounds of size and time. */
final class RequestBody {
    /** The largest body that is taken, in bytes; a call of the contract needs some hundred. */
    static final int MAX_BYTES = 16 * 1024;

    /** What is read over of a larger one, so that its sender sees the refusal and not a broken connection. */
    private static final int MAX_BYTES_READ_OVER = 1024 * 1024;

    private RequestBody() {}

    /**
     * The whole body; empty where there is none.
     *
     * @param patience the longest that the sender may take for it
     * @return fails with {@link RefusedException} where it is too large or too slow
     */
    static Future<Buffer> receive(Vertx vertx, HttpServerRequest request, Duration patience) {
        Promise<Buffer> whole = Promise.promise();
        Buffer received = Buffer.buffer();
        long[] size = {0};
        long timer =
                vertx.setTimer(patience.toMillis(), late -> whole.tryFail(new RefusedException(Reply.BODY_TOO_SLOW)));
        if (request.headers().contains(HttpHeaders.EXPECT, HttpHeaders.CONTINUE, true)) {
            request.response().writeContinue();
        }
        request.handler(chunk -> {
            size[0] += chunk.length();
            if (size[0] <= MAX_BYTES) {
                received.appendBuffer(chunk);
            } else if (size[0] > MAX_BYTES_READ_OVER) {
                whole.tryFail(new RefusedException(Reply.BODY_TOO_LARGE));
            }
        });
        request.exceptionHandler(broken -> whole.tryFail(new RefusedException(Reply.BAD_REQUEST)));
        request.endHandler(end -> {
            if (size[0] <= MAX_BYTES) {
                whole.tryComplete(received);
            } else {
                whole.tryFail(new RefusedException(Reply.BODY_TOO_LARGE));
            }
        });
        return whole.future().onComplete(done -> vertx.cancelTimer(timer));
    }
}
