package licenseserver.license;

/**
 * What the server does where a license's own terms do not say.
 *
 * @param idleDays after how many days unseen a machine gives its slot to a new one where all are taken; 0 for never
 * @param newMachinesPer30Days how many new machines may be activated within 30 days; 0 for any number
 */
public record Policy(int idleDays, int newMachinesPer30Days) {
    /** Neither. */
    public static final Policy NONE = new Policy(0, 0);
}
