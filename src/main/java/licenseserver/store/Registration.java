package licenseserver.store;

import licenseserver.license.LicenseKey;

/**
 * The result of a registration.
 *
 * @param created whether this call has created the license; of all calls for one e-mail, exactly one does
 * @param key the key of the license of that e-mail
 */
public record Registration(boolean created, LicenseKey key) {}
