/**
 * The declaration of settings, and the reader of their values. The settings themselves are declared beside what they
 * configure.
 */
@NullMarked
package licenseserver.config;

import org.jspecify.annotations.NullMarked;
