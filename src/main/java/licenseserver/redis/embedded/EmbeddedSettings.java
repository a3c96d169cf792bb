package licenseserver.redis.embedded;

import java.nio.file.Path;
import java.util.List;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;

/**
 * Where a server with a Redis of its own keeps everything.
 *
 * @param dataDir the path of its {@link DataFolder}, which need not exist yet
 */
public record EmbeddedSettings(Path dataDir) {
    private static final Setting<String> DATA_DIR = Setting.text(
            "DATA_DIR",
            "data",
            "The folder in which a server without `REDIS_URL` keeps everything: the data of its own Redis, and the"
                    + " secrets that the server made.");

    /** The settings that this record is read from. */
    public static final Section SECTION = new Section("Embedded Redis", List.of(DATA_DIR));

    /** Reads these settings. */
    public static EmbeddedSettings from(Values values) {
        return new EmbeddedSettings(Path.of(values.get(DATA_DIR)));
    }
}
