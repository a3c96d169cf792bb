@NullMarked
package licenseserver;

import org.jspecify.annotations.NullMarked;
