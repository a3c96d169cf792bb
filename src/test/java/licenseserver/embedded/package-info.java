@NullMarked
package licenseserver.embedded;

import org.jspecify.annotations.NullMarked;
