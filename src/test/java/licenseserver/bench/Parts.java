package licenseserver.bench;

import java.util.concurrent.TimeUnit;
import licenseserver.http.FieldsBenchmark;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Measures the parts of a call alone, by JMH. */
final class Parts {
    private static final int ITERATIONS = 5;

    private Parts() {}

    static void measure(Report report) throws RunnerException {
        report.section("Parts", "ns");
        var options = new OptionsBuilder()
                .include(FieldsBenchmark.class.getName())
                .include(LicenseBenchmark.class.getName())
                .forks(1)
                .warmupIterations(ITERATIONS)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(ITERATIONS)
                .measurementTime(TimeValue.seconds(1))
                .timeUnit(TimeUnit.NANOSECONDS)
                .shouldFailOnError(true)
                .build();
        for (RunResult result : new Runner(options).run()) {
            String name = result.getParams().getBenchmark().replaceAll(".*\\.(\\w+)Benchmark\\.", "$1.");
            for (IterationResult iteration : result.getAggregatedResult().getIterationResults()) {
                report.add(name, "ns", iteration.getPrimaryResult().getScore());
            }
        }
    }
}
