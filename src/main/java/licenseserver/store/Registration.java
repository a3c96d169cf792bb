package licenseserver.store;

import licenseserver.license.LicenseKey;

/**
 * The outcome of a registration.
 *
 * @param created whether this call created the license; of any number of calls for one e-mail exactly one does
 * @param key the key of the one license of that e-mail
 */
public record Registration(boolean created, LicenseKey key) {}
