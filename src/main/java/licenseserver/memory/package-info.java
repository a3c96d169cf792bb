/** How the heap is divided between all that grows with what clients do. */
@NullMarked
package licenseserver.memory;

import org.jspecify.annotations.NullMarked;
