/** What a person sees who opens the server's address in a browser. */
@NullMarked
package licenseserver.welcome;

import org.jspecify.annotations.NullMarked;
