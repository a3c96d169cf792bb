package licenseserver.store;

import licenseserver.license.LicenseKey;

/** A stored record is not a license. The message says what is wrong with it, and contains nothing of the record. */
public final class UnreadableLicenseException extends RuntimeException {
    private final String problem;
    private final String record;

    UnreadableLicenseException(String problem) {
        super(problem, null, false, false);
        this.problem = problem;
        this.record = "";
    }

    /** Adds the key under which the record is stored, and its text. */
    UnreadableLicenseException(LicenseKey key, String problem, String record) {
        super("license:" + key + ": " + problem, null, false, false);
        this.problem = problem;
        this.record = record;
    }

    /** Returns what is wrong, for example {@code maxMachines is missing}. */
    public String problem() {
        return problem;
    }

    /**
     * Returns the stored text, empty if it was not read from a store. It can contain a key and an address: do not log
     * it.
     */
    public String record() {
        return record;
    }
}
