@NullMarked
package licenseserver.event;

import org.jspecify.annotations.NullMarked;
