/** The license calls: those of machines, and those of sellers. */
@NullMarked
package licenseserver.api;

import org.jspecify.annotations.NullMarked;
