package licenseserver;

import java.time.Duration;
import java.util.List;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;

/**
 * How the server stops.
 *
 * @param delay how long calls are still taken after the signal to stop, while readiness says that the server stops
 * @param timeout the longest that stopping may take after that
 */
record ShutdownSettings(Duration delay, Duration timeout) {
    private static final Setting<Duration> DELAY = Setting.seconds(
            "SHUTDOWN_DELAY_SECONDS",
            0,
            0,
            3600,
            "How long the server still takes calls after the signal to stop, while `/readyz` says that it stops."
                    + " Behind a load balancer, set it longer than the balancer needs to notice; 0 if nobody asks"
                    + " `/readyz`.");
    private static final Setting<Duration> TIMEOUT = Setting.seconds(
            "SHUTDOWN_TIMEOUT_SECONDS",
            10,
            1,
            3600,
            "The longest that stopping may take after the delay. Most of it is for calls that have begun.");

    static final Section SECTION = new Section("Stopping", List.of(DELAY, TIMEOUT));

    /** Fails with a {@link licenseserver.config.ConfigException} if a setting cannot be used. */
    static ShutdownSettings from(Values values) {
        return new ShutdownSettings(values.get(DELAY), values.get(TIMEOUT));
    }
}
