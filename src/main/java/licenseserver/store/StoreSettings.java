package licenseserver.store;

import java.time.Duration;
import java.util.stream.Stream;
import licenseserver.config.ConfigException;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;

/**
 * What is kept of each license, in Redis and in memory.
 *
 * @param history how the histories of licenses are kept
 * @param nearCache whether licenses are remembered, so that most validations need not ask Redis
 * @param validateStaleness how old a remembered license may be for a "yes" while Redis does not answer; zero for no
 *     such "yes"
 */
public record StoreSettings(HistorySettings history, boolean nearCache, Duration validateStaleness) {
    private static final Setting<Boolean> NEAR_CACHE = Setting.flag(
            "NEAR_CACHE",
            false,
            "Whether the server remembers licenses, so that most validations do not ask Redis. Redis tells each"
                    + " server what has changed. A \"yes\" can then be out of date, usually by milliseconds and at"
                    + " most by one second; a \"no\" always comes from Redis. The licenses take up to 15 % of the"
                    + " heap. The Redis user needs `+client|tracking`.");
    private static final Setting<Duration> VALIDATE_STALE = Setting.seconds(
            "VALIDATE_STALE_SECONDS",
            0,
            0,
            604_800,
            "With `NEAR_CACHE`: how old a remembered license may be for a \"yes\" while Redis does not answer; 0"
                    + " for no such \"yes\". The server also stays ready for that long after Redis last answered.");

    /** The settings that this record is read from. */
    public static final Section SECTION = new Section(
            "History and near cache",
            Stream.concat(HistorySettings.SETTINGS.stream(), Stream.of(NEAR_CACHE, VALIDATE_STALE))
                    .toList());

    /**
     * Reads these settings.
     *
     * @throws ConfigException if one cannot be used, or if they contradict each other
     */
    public static StoreSettings from(Values values) {
        var settings =
                new StoreSettings(HistorySettings.from(values), values.get(NEAR_CACHE), values.get(VALIDATE_STALE));
        if (!settings.nearCache && !settings.validateStaleness.isZero()) {
            throw new ConfigException(
                    "VALIDATE_STALE_SECONDS needs what the near cache remembers: set NEAR_CACHE=true, too.");
        }
        return settings;
    }
}
