/** Where licenses lie: the contract of the store, its implementation on Redis, and the near cache. */
@NullMarked
package licenseserver.store;

import org.jspecify.annotations.NullMarked;
