package licenseserver;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.io.IOException;
import java.net.BindException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import licenseserver.config.ConfigException;
import licenseserver.http.HttpSettings;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The program: starts a server with the configured settings and stops it on SIGTERM or SIGINT, or runs another
 * command.
 */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private static final String NAME = "License Server " + Version.text();

    private static final String USAGE = """
            Usage: java -jar license-server.jar [command]

            Without a command it starts the server, which runs until SIGTERM or Ctrl-C.

              check      say whether the server would work with these settings, and what is wrong
              help       show this text
              version    show the version

            Settings are environment variables (PORT=9000), or lines in conf/license-server.env, or
            in the file that CONFIG_FILE names. That file and docs/settings.md explain each one.
            Start with README.md. Every other document is in docs/.
            """;

    private Main() {}

    /**
     * Runs the command that the arguments name; without arguments, starts a server. Exits with 0 after a stop,
     * with 1 if the server cannot start, with 2 if a setting cannot be used or there is no such command; {@link
     * Check#run} says what {@code check} exits with. A signal that comes while the server starts stops it in the
     * same way as later. A signal that comes before the start has begun ends the process with the signal's own
     * status, which is 143 for SIGTERM.
     */
    public static void main(String[] arguments) throws InterruptedException {
        String command = String.join(" ", arguments);
        switch (command) {
            case "" -> start(config());
            case "check" -> System.exit(Check.run(config(), System.out));
            case "help", "--help", "-h" -> System.out.print(NAME + "\n\n" + USAGE);
            case "version", "--version" -> System.out.println(NAME);
            default ->
                exit(
                        2,
                        "There is no command \"" + command
                                + "\": there are check, help and version. Without a command the server starts.");
        }
    }

    private static Configuration config() {
        try {
            return Configuration.load(System.getenv());
        } catch (ConfigException e) {
            exit(2, String.valueOf(e.getMessage()));
            throw e;
        }
    }

    private static void start(Configuration config) throws InterruptedException {
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

    /** False if the process is already ending, so that there is nothing left to do. */
    private static boolean isRegistered(Thread hook) {
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            return true;
        } catch (IllegalStateException ending) {
            return false;
        }
    }

    /** False if the process is already ending, so that the hook runs. */
    private static boolean isUnregistered(Thread hook) {
        try {
            return Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException ending) {
            return false;
        }
    }

    /** Halts at the end, because the process would otherwise exit with the signal's own status instead of 0. */
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

    /** Tells the operator, in a sentence, that the port cannot be listened on, and why. */
    static String portUnusable(HttpSettings http, Throwable failure) {
        return "Port " + http.port() + " on " + http.host() + " cannot be listened on: " + failure.getMessage()
                + " (PORT, HOST).";
    }

    private static void exit(int status, String sentence) {
        System.err.println(sentence);
        System.exit(status);
    }
}
