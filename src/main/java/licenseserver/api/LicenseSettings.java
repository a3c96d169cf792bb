package licenseserver.api;

import java.util.List;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;
import licenseserver.license.Policy;
import licenseserver.license.Terms;

/**
 * What licenses allow if nobody says otherwise.
 *
 * @param maxMachines how many machines a new license allows if it is registered without a number
 * @param policy what applies to licenses whose own terms do not say
 */
public record LicenseSettings(int maxMachines, Policy policy) {
    private static final Setting<Integer> MAX_MACHINES = Setting.wholeNumber(
            "MAX_MACHINES",
            3,
            1,
            Terms.MOST_MACHINES,
            "How many machines a new license allows if it is registered without a number (`maxMachines`).");
    private static final Setting<Integer> IDLE_DAYS = Setting.wholeNumber(
            "IDLE_DAYS",
            0,
            0,
            36_500,
            "After how many days without a validation a machine gives its slot to a new one if all slots of its"
                    + " license are taken; 0 for never. A license can have its own number (`idleDays`).");
    private static final Setting<Integer> NEW_MACHINES_PER_30_DAYS = Setting.wholeNumber(
            "NEW_MACHINES_PER_30_DAYS",
            0,
            0,
            Terms.MOST_MACHINES,
            "How many machines that were not on a license before can be activated within 30 days; 0 for any number. A"
                    + " license can have its own number (`newMachinesPer30Days`).");

    /** The settings that this record is read from. */
    public static final Section SECTION =
            new Section("Licenses", List.of(MAX_MACHINES, IDLE_DAYS, NEW_MACHINES_PER_30_DAYS));

    /**
     * Reads these settings.
     *
     * @throws licenseserver.config.ConfigException if one cannot be used
     */
    public static LicenseSettings from(Values values) {
        return new LicenseSettings(
                values.get(MAX_MACHINES), new Policy(values.get(IDLE_DAYS), values.get(NEW_MACHINES_PER_30_DAYS)));
    }
}
