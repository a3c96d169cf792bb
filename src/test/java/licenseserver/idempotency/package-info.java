@NullMarked
package licenseserver.idempotency;

import org.jspecify.annotations.NullMarked;
