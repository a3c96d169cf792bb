package licenseserver.http;

import io.vertx.core.buffer.Buffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** How long the parser takes for the body of a validation. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FieldsBenchmark {
    private final Buffer body = Buffer.buffer("{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"machineId\":\"machine-000001\"}");

    @Benchmark
    public Object parse() {
        return Fields.parse(body);
    }
}
