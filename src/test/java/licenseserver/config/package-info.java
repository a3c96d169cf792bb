@NullMarked
package licenseserver.config;

import org.jspecify.annotations.NullMarked;
