package licenseserver.store;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.json.Json;
import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import licenseserver.license.LicenseKey;

/**
 * The last changes of all licenses, in one stream of bounded length. A change is written there a moment after it was made,
 * many in one write, so that it costs the call nothing; what a fault loses is still in its license's own history.
 */
final class RecentEvents {
    static final String STREAM = "recent-events";
    private static final int MAX_LENGTH = 1000;
    private static final int MAX_WAITING = 1000;
    private static final long PAUSE_MILLIS = 100;

    private final Vertx vertx;
    private final RedisPool redis;
    private final Duration timeout;
    private List<Request> waiting = new ArrayList<>();

    RecentEvents(Vertx vertx, RedisPool redis, Duration timeout) {
        this.vertx = vertx;
        this.redis = redis;
        this.timeout = timeout;
    }

    /** Takes events that were stored; drops them where too many wait. */
    synchronized void add(LicenseKey key, List<String> events) {
        if (waiting.isEmpty() && !events.isEmpty()) {
            vertx.setTimer(PAUSE_MILLIS, now -> flush());
        }
        for (String event : events) {
            if (waiting.size() < MAX_WAITING) {
                waiting.add(Request.cmd(Command.XADD)
                        .arg(STREAM)
                        .arg("MAXLEN")
                        .arg("~")
                        .arg(MAX_LENGTH)
                        .arg("*")
                        .arg("key")
                        .arg(key.value())
                        .arg("event")
                        .arg(event));
            }
        }
    }

    private synchronized void flush() {
        List<Request> batch = waiting;
        waiting = new ArrayList<>();
        redis.change(STREAM, Deadline.in(timeout), batch.toArray(Request[]::new));
    }

    /** The newest events, newest first. */
    Future<List<String>> newest(int most) {
        var read = Request.cmd(Command.XREVRANGE)
                .arg(STREAM)
                .arg("+")
                .arg("-")
                .arg("COUNT")
                .arg(most);
        return redis.read(STREAM, Deadline.in(timeout), read).map(replies -> {
            var events = new ArrayList<String>();
            for (Response entry : replies.get(0)) {
                Response fields = entry.get(1);
                events.add(shown(fields.get(1).toString(), fields.get(3).toString()));
            }
            return events;
        });
    }

    /** An event with the key of its license before all else. */
    static String shown(String key, String event) {
        return "{\"key\":" + Json.encode(key) + "," + event.substring(1);
    }
}
