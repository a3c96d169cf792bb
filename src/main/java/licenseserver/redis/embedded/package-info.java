/** The embedded default: a Redis process of the server's own and the data folder it lives in. */
@NullMarked
package licenseserver.redis.embedded;

import org.jspecify.annotations.NullMarked;
