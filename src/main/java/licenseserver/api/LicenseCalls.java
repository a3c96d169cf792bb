package licenseserver.api;

import java.util.List;
import java.util.stream.Stream;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.http.Route;

/** Licenses: registered and changed by their sellers, asked for by customers' machines. */
public final class LicenseCalls implements Capability {
    private final LicenseSettings settings;

    /** Creates the calls with these defaults for licenses. */
    public LicenseCalls(LicenseSettings settings) {
        this.settings = settings;
    }

    @Override
    public List<Route> routes(EventLoop loop) {
        var machines = new ClientCalls(loop.licenses(), loop.cache(), loop.lastSeen(), settings.policy(), loop.clock());
        var sellers = new AdminCalls(loop.sellerLicenses(), settings.maxMachines(), loop.clock());
        return Stream.concat(machines.routes().stream(), sellers.routes(loop.admin()).stream())
                .toList();
    }
}
