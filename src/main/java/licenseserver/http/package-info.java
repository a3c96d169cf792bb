/** How licenses are asked for: the HTTP contract, from bytes to one store call and back. */
@NullMarked
package licenseserver.http;

import org.jspecify.annotations.NullMarked;
