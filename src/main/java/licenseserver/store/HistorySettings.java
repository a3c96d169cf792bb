package licenseserver.store;

import java.util.List;
import licenseserver.config.ConfigException;
import licenseserver.config.Setting;
import licenseserver.config.Values;
import org.jspecify.annotations.Nullable;

/**
 * How the histories of licenses are kept.
 *
 * @param events how many events each history keeps; 0 if there are to be no histories
 * @param secret signs new events; null if they are not to be signed
 * @param previousSecret has signed older events; null if there is none
 */
public record HistorySettings(
        int events, @Nullable String secret, @Nullable String previousSecret) {
    private static final Setting<Integer> EVENTS = Setting.wholeNumber(
            "HISTORY_EVENTS",
            200,
            0,
            10_000,
            "How many events the history of each license keeps; older ones are dropped.");
    private static final Setting<String> SECRET = secret(
            "HISTORY_SECRET",
            "The secret that signs the events of histories, so that someone who can write to Redis cannot forge one"
                    + " unnoticed: long, random, at least 16 characters, and the same on all servers. If it is not set,"
                    + " a server with a Redis of its own makes a secret and keeps it in `DATA_DIR/history-secret`, and"
                    + " a server with `REDIS_URL` does not sign events.");
    private static final Setting<String> PREVIOUS_SECRET = secret(
            "HISTORY_SECRET_PREVIOUS",
            "Another secret whose signatures count, but which signs nothing: the one that was `HISTORY_SECRET` before.");

    static final List<Setting<?>> SETTINGS = List.of(EVENTS, SECRET, PREVIOUS_SECRET);

    private static Setting<String> secret(String name, String description) {
        return Setting.secret(name, description)
                .matching("|(?s:.{16,})", "is shorter than 16 characters; use a long, random text.");
    }

    /**
     * Reads these settings.
     *
     * @throws ConfigException if one cannot be used
     */
    static HistorySettings from(Values values) {
        return new HistorySettings(
                values.get(EVENTS), nullIfEmpty(values.get(SECRET)), nullIfEmpty(values.get(PREVIOUS_SECRET)));
    }

    private static @Nullable String nullIfEmpty(String text) {
        return text.isEmpty() ? null : text;
    }

    /** Returns the same settings with this secret for new events. */
    public HistorySettings withSecret(String another) {
        return new HistorySettings(events, another, previousSecret);
    }

    /** Shows no secret. */
    @Override
    public String toString() {
        return "HistorySettings";
    }
}
