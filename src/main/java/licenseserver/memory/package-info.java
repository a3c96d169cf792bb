/** Divides the heap between the parts of the server that grow with what clients do. */
@NullMarked
package licenseserver.memory;

import org.jspecify.annotations.NullMarked;
