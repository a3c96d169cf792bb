/** The program: its configuration, its start and stop, and the wiring of all other packages. */
@NullMarked
package licenseserver;

import org.jspecify.annotations.NullMarked;
