package licenseserver.bench;

import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import licenseserver.license.Answer;
import licenseserver.license.Decision;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.Policy;
import licenseserver.license.Rules;
import licenseserver.license.Terms;
import licenseserver.store.LicenseJson;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** How long the codec and the rules take for a license of four slots that is active on three machines. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class LicenseBenchmark {
    private final Instant now = Instant.ofEpochMilli(1_719_000_000_000L);
    private final License license = new License(
            new LicenseKey("K7FH-WP3A-M9QZ-B2CD"),
            "customer@example.com",
            now,
            Terms.of(4),
            false,
            null,
            IntStream.rangeClosed(1, 3)
                    .mapToObj(number -> new Machine(Licenses.machineId(number), now, null, null, ""))
                    .toList(),
            List.of(),
            "");
    private final String text = LicenseJson.encode(license);
    private final String active = Licenses.machineId(3);
    private final String other = Licenses.machineId(4);

    @Benchmark
    public License decode() {
        return LicenseJson.decode(text);
    }

    @Benchmark
    public String encode() {
        return LicenseJson.encode(license);
    }

    @Benchmark
    public Answer validate() {
        return Rules.validate(license, active, now);
    }

    @Benchmark
    public Decision<Answer> activateNewMachine() {
        return Rules.activate(license, other, null, Policy.NONE, now);
    }

    @Benchmark
    public Decision<Answer> activateSameMachine() {
        return Rules.activate(license, active, null, Policy.NONE, now);
    }
}
