package licenseserver.bench;

import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What came of driving a server for a while.
 *
 * @param answers how many calls were answered
 * @param errors how many of the answers were wrong; at least one where there were any
 * @param example a wrong answer, or what else tells that there were any; null where there were none
 * @param seconds from the first call to the last answer
 * @param latency in nanoseconds; empty where it was not measured
 */
record Result(long answers, long errors, @Nullable String example, double seconds, Histogram latency) {
    double perSecond() {
        return answers / seconds;
    }
}
