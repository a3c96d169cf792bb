/** Whether the server can answer, as load balancers and container engines ask it. */
@NullMarked
package licenseserver.health;

import org.jspecify.annotations.NullMarked;
