/** Where licenses lie: the store's contract and its Redis implementation, the only code that speaks to Redis. */
@NullMarked
package licenseserver.store;

import org.jspecify.annotations.NullMarked;
