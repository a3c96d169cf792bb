/** The embedded default: a Redis process of the server's own and the data folder it lives in. */
@NullMarked
package licenseserver.embedded;

import org.jspecify.annotations.NullMarked;
