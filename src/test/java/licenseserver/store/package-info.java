@NullMarked
package licenseserver.store;

import org.jspecify.annotations.NullMarked;
