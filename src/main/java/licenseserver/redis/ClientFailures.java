package licenseserver.redis;

import io.vertx.redis.client.Response;
import io.vertx.redis.client.ResponseType;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tells what a failure of Vert.x's Redis client means: whether a server refused a command, and which one, whether the
 * connection broke, and whether the command was sent at all.
 *
 * <p>The client tells these apart only by the texts of its failures, so every pattern over such a text is in this
 * class. Its test provokes each failure with the real client, and fails if a new release words one differently. All
 * is said of batches, because the client reports some failures of a command that is sent alone in other ways.
 */
final class ClientFailures {
    /** Errors of a server that cannot carry a command out, although another server can, or the same one soon. */
    private static final Set<String> ELSEWHERE_OR_LATER =
            Set.of("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING", "MASTERDOWN");

    /** A batch fails with one line for each of its commands that failed; a connection, with the server's own text. */
    private static final Pattern REFUSED =
            Pattern.compile("^(?:ERR \\[(?<index>\\d+)] )?+(?<message>(?<code>[A-Z_]+\\b)?.*)$", Pattern.MULTILINE);

    /**
     * If the connection ends first, the client makes up an answer of the server: this word, or an exception of Java.
     */
    private static final Pattern BROKEN = Pattern.compile("CONNECTION_CLOSED|[a-z]+(\\.\\w+)+(:.*)?");

    /** The client did not send the command, because the connection had already ended. */
    private static final String NOT_SENT = "Connection is closed";

    private static final String RIGHT_MISSING = "NOPERM";

    private ClientFailures() {}

    /**
     * A command that a server refused.
     *
     * @param index its place in the batch; 0 if a connection was refused
     * @param message what the server said
     * @param code the first word of the message, such as {@code MOVED}; {@code ERR} if the client left that out
     */
    record Refused(int index, String message, String code) {}

    /** The commands that were refused; empty if the failure is of another kind, or if some answers did not arrive. */
    static List<Refused> refused(Throwable failure) {
        var refused = new ArrayList<Refused>();
        if (failure instanceof Response error && error.type() == ResponseType.ERROR) {
            Matcher line = REFUSED.matcher(String.valueOf(failure.getMessage()));
            while (line.find()) {
                refused.add(new Refused(
                        line.group("index") == null ? 0 : Integer.parseInt(line.group("index")),
                        line.group("message"),
                        line.group("code") == null ? "ERR" : line.group("code")));
            }
        }
        return refused.stream().anyMatch(each -> BROKEN.matcher(each.message()).matches()) ? List.of() : refused;
    }

    /** Whether another server, or the same one a little later, can do what was refused. */
    static boolean isTemporary(Throwable failure) {
        List<Refused> refused = refused(failure);
        return !refused.isEmpty() && ELSEWHERE_OR_LATER.contains(refused.get(0).code());
    }

    /** Whether the connection ended, or the server did not answer in time. */
    static boolean isBroken(Throwable failure) {
        return failure instanceof TimeoutException
                || wasNotSent(failure)
                || (failure instanceof Response && refused(failure).isEmpty());
    }

    /** Whether no byte of the command was sent. If false, the server may have carried it out. */
    static boolean wasNotSent(Throwable failure) {
        return NOT_SENT.equals(failure.getMessage());
    }

    /**
     * Whether the user of Redis lacks the right to give the command. Also true for what {@link #reason} made of that
     * failure.
     */
    static boolean isRightMissing(Throwable failure) {
        return reason(failure).equals(answered(RIGHT_MISSING));
    }

    /**
     * Says what happened in words that are fit for a log. A message of the client can hold a whole command with its
     * arguments, and one of the server the start of them, so only the error code is taken from either.
     */
    static String reason(Throwable failure) {
        if (failure instanceof StoreUnavailableException known) {
            return String.valueOf(known.getMessage());
        }
        if (failure instanceof TimeoutException) {
            return "Redis did not answer in time";
        }
        List<Refused> refused = refused(failure);
        if (!refused.isEmpty()) {
            return answered(refused.get(0).code());
        }
        if (failure instanceof ConnectException) {
            return "Redis refuses connections";
        }
        return failure instanceof Response
                ? "the connection to Redis broke"
                : "the connection to Redis failed (" + failure.getClass().getSimpleName() + ")";
    }

    /** The reason if Redis answered with an error of this code. */
    static String answered(String code) {
        return "Redis answered " + code;
    }
}
