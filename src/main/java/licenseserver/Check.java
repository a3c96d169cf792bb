package licenseserver;

import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import licenseserver.http.HttpSettings;
import licenseserver.redis.RedisCheckup;
import licenseserver.redis.RedisCheckup.Finding;
import licenseserver.redis.RedisCheckup.Weight;
import licenseserver.redis.RedisRelease;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.embedded.EmbeddedCheckup;

/** Finds out, without starting a server, whether one would work with these settings, and says what is wrong. */
final class Check {
    private static final int FINE = 0;
    private static final int BROKEN = 1;
    private static final int RISKY = 3;

    /** More than all answers of Redis together may take. */
    private static final long PATIENCE_SECONDS = 60;

    private Check() {}

    /**
     * Prints the findings, one per line. Changes nothing.
     *
     * @return the exit status: 0 if all is well, 1 if the server could not start or could not do everything it must,
     *     3 if it would work but not keep all of its promises
     */
    static int run(Configuration config, PrintStream out) throws InterruptedException {
        var findings =
                new ArrayList<>(List.of(new Finding(Weight.FACT, "The settings can be used."), port(config.http())));
        RedisSettings redis = config.redis();
        findings.addAll(redis == null ? own(EmbeddedCheckup.of(config.embedded().dataDir())) : findings(redis, config));
        for (Finding finding : findings) {
            String mark = switch (finding.weight()) {
                case FACT -> "ok      ";
                case NOTICE -> "notice  ";
                case WARNING -> "warning ";
                case ERROR -> "error   ";
            };
            out.println(mark + " " + finding.sentence());
        }
        if (findings.stream().anyMatch(finding -> finding.weight() == Weight.ERROR)) {
            return BROKEN;
        }
        return findings.stream().anyMatch(finding -> finding.weight() == Weight.WARNING) ? RISKY : FINE;
    }

    private static Finding port(HttpSettings http) {
        try (var socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(http.host(), http.port()));
            return new Finding(Weight.FACT, "Port " + http.port() + " on " + http.host() + " is free.");
        } catch (IOException e) {
            return new Finding(Weight.ERROR, Main.portUnusable(http, e));
        }
    }

    private static List<Finding> own(EmbeddedCheckup checkup) {
        var findings = new ArrayList<Finding>();
        checkup.problem().ifPresent(problem -> findings.add(new Finding(Weight.ERROR, problem)));
        checkup.release()
                .ifPresent(release -> findings.add(new Finding(
                        Weight.FACT,
                        "No REDIS_URL is set: the server will start a Redis of its own (" + release + ", "
                                + checkup.program().map(Path::toString).orElse("carried by this program")
                                + "), with its data in " + checkup.folder()
                                + (checkup.isNew() ? ", which holds none yet." : "."))));
        checkup.release()
                .flatMap(RedisRelease::endOfSupport)
                .ifPresent(ended -> findings.add(new Finding(Weight.NOTICE, ended + ".")));
        return findings;
    }

    private static List<Finding> findings(RedisSettings redis, Configuration config) throws InterruptedException {
        Vertx vertx = Vertx.vertx();
        try {
            return RedisCheckup.of(vertx, redis, Wiring.contents(config))
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Redis could not be examined", e);
        } finally {
            vertx.close();
        }
    }
}
