package licenseserver.store;

import licenseserver.license.LicenseKey;

/** A stored record that is not a license. The message says what is wrong with it and holds nothing of its content. */
public final class UnreadableLicenseException extends RuntimeException {
    private final String problem;
    private final String record;

    UnreadableLicenseException(String problem) {
        super(problem, null, false, false);
        this.problem = problem;
        this.record = "";
    }

    /** The same problem of the record under a key. */
    UnreadableLicenseException(LicenseKey key, String problem, String record) {
        super("license:" + key + ": " + problem, null, false, false);
        this.problem = problem;
        this.record = record;
    }

    /** What is wrong, for example {@code maxMachines is missing}. */
    public String problem() {
        return problem;
    }

    /** The text as it is stored, not to be logged: it can hold a key and an address. Empty if it was not read from a store. */
    public String record() {
        return record;
    }
}
