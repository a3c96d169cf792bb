package licenseserver.capability;

import java.util.List;
import licenseserver.http.Route;

/**
 * Something that the server can do. A capability is one package, and one line in the server's list of them; it brings along all
 * that it needs.
 */
public interface Capability {
    /** Its paths, answered on one event loop. */
    List<Route> routes(EventLoop loop);
}
