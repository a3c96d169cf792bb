@NullMarked
package licenseserver.redis;

import org.jspecify.annotations.NullMarked;
