/** Requests that may be repeated without repeating their effect. */
@NullMarked
package licenseserver.idempotency;

import org.jspecify.annotations.NullMarked;
