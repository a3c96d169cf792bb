package licenseserver.api;

import java.util.List;
import java.util.stream.Stream;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.http.Route;

/**
 * Licenses: registered and changed by their sellers, activated and validated by customers' machines.
 *
 * @param settings what applies if a call or a license does not say
 */
public record LicenseCalls(LicenseSettings settings) implements Capability {
    @Override
    public List<Route> routes(EventLoop loop) {
        var machines = new MachineCalls(loop.licenses(), loop.validations(), settings.policy(), loop.clock());
        var sellers = new SellerCalls(loop.sellerLicenses(), settings.maxMachines(), loop.clock());
        return Stream.concat(machines.routes().stream(), sellers.routes(loop.admin()).stream())
                .toList();
    }
}
