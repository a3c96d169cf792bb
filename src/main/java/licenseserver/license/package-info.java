/** What is true of a license: values and the rules over them. Plain Java: no I/O, no clock, no framework. */
@NullMarked
package licenseserver.license;

import org.jspecify.annotations.NullMarked;
