/** Who may do what. */
@NullMarked
package licenseserver.access;

import org.jspecify.annotations.NullMarked;
