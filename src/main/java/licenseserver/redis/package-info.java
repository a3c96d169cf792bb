/**
 * How Redis is reached: connections, topologies, transactions, the checkup, and the identity that shows that its data
 * is still the same. Nothing here depends on what is kept in Redis.
 */
@NullMarked
package licenseserver.redis;

import org.jspecify.annotations.NullMarked;
