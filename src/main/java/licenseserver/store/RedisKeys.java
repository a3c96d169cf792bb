package licenseserver.store;

import licenseserver.license.Email;
import licenseserver.license.LicenseKey;

/** What lies where in Redis. */
final class RedisKeys {
    private RedisKeys() {}

    /** What the keys of all records begin with. */
    static final String RECORDS = "license:";

    /** The record of a license, see {@link StoredLicense}. */
    static String record(LicenseKey key) {
        return RECORDS + key.value();
    }

    /** The list of a license's events; in the cluster slot of its record, which the braces name. */
    static String history(LicenseKey key) {
        return "events:{license:" + key.value() + "}";
    }

    /** The key of an e-mail's license. Leads there only: whether the license is that e-mail's, its record says. */
    static String index(Email email) {
        return "email:" + email.address();
    }
}
