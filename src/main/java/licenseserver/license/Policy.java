package licenseserver.license;

/**
 * The terms of the server, which hold if a license has none of its own.
 *
 * @param idleDays if all slots are taken, a new machine gets the slot of one that was not seen for this many days; 0
 *     for never
 * @param newMachinesPer30Days how many new machines may be activated within 30 days; 0 for any number
 */
public record Policy(int idleDays, int newMachinesPer30Days) {
    /** No machine loses its slot, and any number of new machines may be activated. */
    public static final Policy NONE = new Policy(0, 0);
}
