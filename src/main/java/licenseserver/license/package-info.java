/** Licenses and the rules about them, in plain Java: without I/O, clock or framework. */
@NullMarked
package licenseserver.license;

import org.jspecify.annotations.NullMarked;
