/** Measures the packaged server: {@code mvn -Pbench verify}. */
@NullMarked
package licenseserver.bench;

import org.jspecify.annotations.NullMarked;
