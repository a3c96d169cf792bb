package licenseserver;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.io.IOException;
import java.net.BindException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import licenseserver.config.ConfigException;
import licenseserver.http.HttpSettings;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The program: starts a server with the configured settings and stops it on SIGTERM or SIGINT; or, told to, only {@link Check}s. */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /**
     * Exits with 0 after a stop, with 1 if the server cannot start, with 2 if a setting cannot be used. A signal that comes while the
     * server starts stops it in the same way as later; one that comes before anything was begun ends the process with the signal's
     * own status, which is 143 for SIGTERM.
     */
    public static void main(String[] arguments) throws InterruptedException {
        boolean check = List.of(arguments).equals(List.of("check"));
        if (arguments.length > 0 && !check) {
            exit(
                    2,
                    "The only argument there is is check; settings are in conf/license-server.env and the environment.");
        }
        Configuration config;
        try {
            config = Configuration.load(System.getenv());
        } catch (ConfigException e) {
            exit(2, String.valueOf(e.getMessage()));
            return;
        }
        if (check) {
            System.exit(Check.run(config, System.out));
        }
        Vertx vertx = Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(Runtime.getRuntime().availableProcessors())
                // It serves no files; without these it would need a folder to unpack some in.
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
        var server = new LicenseServer(config);
        var start = new CompletableFuture<String>();
        var stop = new Thread(() -> stop(vertx, server, start, config), "stop");
        if (!isRegistered(stop)) {
            return;
        }
        vertx.deployVerticle(server).onComplete(start::complete, start::completeExceptionally);
        try {
            start.get();
        } catch (ExecutionException e) {
            if (isUnregistered(stop)) {
                exit(1, reason(e.getCause(), config));
            }
        }
    }

    /** False if the process is being ended already; then nothing is left to do here. */
    private static boolean isRegistered(Thread hook) {
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            return true;
        } catch (IllegalStateException ending) {
            return false;
        }
    }

    /** False if the process is being ended already, so that the hook runs. */
    private static boolean isUnregistered(Thread hook) {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            return false;
        }
    }

    /** The process would end with the signal's own status; halting here, when all is done, makes it 0. */
    private static void stop(Vertx vertx, LicenseServer server, CompletableFuture<?> start, Configuration config) {
        LOG.info("Stopping");
        int status = 1;
        try {
            boolean started = start.isDone();
            server.announceStop();
            if (started) {
                Thread.sleep(config.shutdown().delay().toMillis());
            }
            start.handle((deployed, failure) -> deployed)
                    .thenCompose(ended -> vertx.close().toCompletionStage())
                    .get(config.shutdown().timeout().toMillis(), TimeUnit.MILLISECONDS);
            LOG.info("Stopped");
            status = 0;
        } catch (ExecutionException | InterruptedException e) {
            LOG.error("Stopping failed", e);
        } catch (TimeoutException e) {
            LOG.error("Not stopped within SHUTDOWN_TIMEOUT_SECONDS; ending at once");
        }
        Runtime.getRuntime().halt(status);
    }

    private static String reason(@Nullable Throwable failure, Configuration config) {
        if (failure instanceof BindException) {
            return portUnusable(config.http(), failure);
        }
        return failure instanceof IOException
                ? String.valueOf(failure.getMessage())
                : "The server cannot start: " + failure;
    }

    /** A sentence for the operator. */
    static String portUnusable(HttpSettings http, Throwable failure) {
        return "Port " + http.port() + " on " + http.host() + " cannot be listened on: " + failure.getMessage()
                + " (PORT, HOST).";
    }

    private static void exit(int status, String sentence) {
        System.err.println(sentence);
        System.exit(status);
    }
}
