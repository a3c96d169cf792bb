package licenseserver;

import io.vertx.core.Vertx;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import licenseserver.store.RedisCheckup;
import licenseserver.store.RedisCheckup.Finding;
import licenseserver.store.RedisCheckup.Weight;
import licenseserver.store.RedisSettings;

/** Says, without starting a server, whether one would work with these settings, and what is wrong. */
final class Check {
    private static final int FINE = 0;
    private static final int BROKEN = 1;
    private static final int RISKY = 3;

    /** All answers of Redis are bounded; together they are there long before. */
    private static final long PATIENCE_SECONDS = 60;

    private Check() {}

    /**
     * Prints what there is to say, a line each.
     *
     * @return the exit status: 0 where all is well, 1 where the server could not do all it must, 3 where it could, but not keep
     *     all that it promises
     */
    static int run(Config config, PrintStream out) throws InterruptedException {
        out.println("ok       The settings can be used.");
        RedisSettings redis = config.redis();
        if (redis == null) {
            out.println("ok       No REDIS_URL is set: the server will start a Redis of its own, with its data in "
                    + config.dataDir() + ".");
            return FINE;
        }
        List<Finding> findings = findings(redis, config.nearCache());
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

    private static List<Finding> findings(RedisSettings redis, boolean nearCache) throws InterruptedException {
        Vertx vertx = Vertx.vertx();
        try {
            return RedisCheckup.of(vertx, redis, nearCache)
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
