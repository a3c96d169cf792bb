/** What a capability of the server is, and what it builds on. */
@NullMarked
package licenseserver.capability;

import org.jspecify.annotations.NullMarked;
