package licenseserver.store;

import licenseserver.license.Email;
import licenseserver.license.LicenseKey;

/** The names of the keys in Redis. */
final class RedisKeys {
    private RedisKeys() {}

    /** The start of the names of all records. */
    static final String RECORDS = "license:";

    /** Returns the name of the record of a license, see {@link StoredLicense}. */
    static String record(LicenseKey key) {
        return RECORDS + key.value();
    }

    /**
     * Returns the name of the list of a license's events. The braces put it into the same cluster slot as the record.
     */
    static String history(LicenseKey key) {
        return "events:{license:" + key.value() + "}";
    }

    /** Returns the name of the {@link StoredSigns} of a license, in the same cluster slot as the record. */
    static String signs(LicenseKey key) {
        return "seen:{license:" + key.value() + "}";
    }

    /**
     * Returns the name of an e-mail's index entry. It only leads to a license; the record says whether that has this
     * e-mail.
     */
    static String index(Email email) {
        return "email:" + email.address();
    }
}
