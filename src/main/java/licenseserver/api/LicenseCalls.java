package licenseserver.api;

import java.util.List;
import java.util.stream.Stream;
import licenseserver.capability.Capability;
import licenseserver.capability.EventLoop;
import licenseserver.http.Route;
import licenseserver.license.Policy;
import licenseserver.store.Validations;

/** Licenses: registered and changed by their sellers, asked for by customers' machines. */
public final class LicenseCalls implements Capability {
    private final int maxMachines;
    private final Policy policy;

    /**
     * The calls with these defaults.
     *
     * @param maxMachines how many machines a new license allows if its registration does not say
     * @param policy what applies if a license's own terms do not say
     */
    public LicenseCalls(int maxMachines, Policy policy) {
        this.maxMachines = maxMachines;
        this.policy = policy;
    }

    @Override
    public List<Route> routes(EventLoop loop) {
        var machines = new ClientCalls(
                loop.licenses(), new Validations(loop.licenses(), loop.cache(), loop.lastSeen()), policy, loop.clock());
        var sellers = new AdminCalls(loop.sellerLicenses(), maxMachines, loop.clock());
        return Stream.concat(machines.routes().stream(), sellers.routes(loop.admin()).stream())
                .toList();
    }
}
