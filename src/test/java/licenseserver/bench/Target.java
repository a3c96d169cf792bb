package licenseserver.bench;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import licenseserver.JarProcess;

/**
 * What is driven under one name in the report.
 *
 * @param servers one, or several that share the load
 * @param licenses what they are asked for
 */
record Target(String name, List<JarProcess> servers, Licenses licenses) {
    /**
     * How fast the servers were.
     *
     * @param perSecond calls a second, of all servers together
     * @param perCpuSecond calls a second of the servers' own CPU time
     */
    record Speed(double perSecond, double perCpuSecond) {}

    /** Drives all servers at once, and counts their answers in the report. */
    Speed drive(Function<JarProcess, Result> load, Report report) {
        Duration before = cpuTime();
        var loads = servers.stream()
                .map(server -> CompletableFuture.supplyAsync(() -> load.apply(server)))
                .toList();
        List<Result> results = loads.stream().map(CompletableFuture::join).toList();
        Duration cpu = cpuTime().minus(before);
        results.forEach(report::count);
        return new Speed(
                results.stream().mapToDouble(Result::perSecond).sum(),
                results.stream().mapToLong(Result::answers).sum() / (cpu.toNanos() / 1e9));
    }

    private Duration cpuTime() {
        return servers.stream().map(Servers::cpuTime).reduce(Duration.ZERO, Duration::plus);
    }
}
