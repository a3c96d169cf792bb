/** How Redis is reached: connections, topologies, transactions, and what tells that its data is still the same. */
@NullMarked
package licenseserver.redis;

import org.jspecify.annotations.NullMarked;
