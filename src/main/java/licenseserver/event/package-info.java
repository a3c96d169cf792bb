/** What happened to licenses, told onward: the outbox, and the views that follow the licenses. */
@NullMarked
package licenseserver.event;

import org.jspecify.annotations.NullMarked;
