package licenseserver.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * The load generator wrk, which takes less of the machine than {@link Load} does. It checks the status of each answer, and
 * afterwards whether all answers together have the size that right ones have.
 */
final class Wrk {
    private static final Pattern RESULT = Pattern.compile("result: (\\d+) (\\d+) (\\d+) (\\d+)");

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Wrk() {}

    /** Whether it is on the PATH. */
    static boolean isThere() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1))
                .anyMatch(place -> Files.isExecutable(Path.of(place, "wrk")));
    }

    /** As many validations as can be. */
    static Result validate(int port, int connections, Duration duration, Licenses licenses) {
        try {
            int answerSize = answerSize(port, licenses.validateAny());
            Path script = Path.of(Wrk.class.getResource("validate.lua").toURI());
            Process wrk = new ProcessBuilder(List.of(
                            "wrk",
                            "-t1",
                            "-c" + connections,
                            "-d" + duration.toSeconds() + "s",
                            "-s",
                            script.toString(),
                            "http://127.0.0.1:" + port,
                            "--",
                            String.valueOf(licenses.first()),
                            String.valueOf(licenses.count()),
                            String.valueOf(licenses.machines())))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(wrk.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher result = RESULT.matcher(output);
            if (!result.find()) {
                throw new IllegalStateException("wrk did not end as it should: " + output);
            }
            long answers = Long.parseLong(result.group(1));
            long failed = Long.parseLong(result.group(2));
            long bytes = Long.parseLong(result.group(3));
            boolean right = failed == 0 && bytes == answers * answerSize;
            String example = right ? null : "none; " + bytes + " bytes in " + answers + " answers of " + answerSize;
            double seconds = Long.parseLong(result.group(4)) / 1e6;
            return new Result(answers, right ? 0 : Math.max(1, failed), example, seconds, new Histogram(3));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The size in bytes of the answer to this call, which is the right one. */
    private static int answerSize(int port, Call call) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write(call.request().getBytes());
            String answer = "";
            while (Call.size(answer) < 0) {
                int next = socket.getInputStream().read();
                if (next < 0) {
                    throw new IllegalStateException("The server closed a connection");
                }
                answer += (char) next;
            }
            if (!call.isAnsweredBy(answer)) {
                throw new IllegalStateException("Wrong answer: " + answer);
            }
            return answer.length();
        }
    }
}
