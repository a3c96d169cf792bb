@NullMarked
package licenseserver.redis.embedded;

import org.jspecify.annotations.NullMarked;
