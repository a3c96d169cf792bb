package licenseserver.redis.embedded;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Redis as a child process: on loopback with a password of its own, writing each change to disk before it answers.
 * If it ends by itself, it is started again until it runs; {@link #close} ends it. If this process is killed, the child goes
 * on; the next start in the same folder ends it, which loses nothing.
 *
 * <p>{@link #start} and {@link #close} block, each for a bounded time; do not call them on an event loop.
 */
public final class EmbeddedRedis implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

    /** Enough to load some million licenses from disk. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(60);

    private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** A Redis that ran for this long is started again at once if it ends. */
    private static final Duration CALM = Duration.ofMinutes(1);

    private static final int MAX_PORTS_TRIED = 5;
    private static final Pattern READY = Pattern.compile(".*[Rr]eady to accept connections.*");

    private final DataFolder folder;
    private final String password = DataFolder.randomSecret();
    private final CompletableFuture<EmbeddedRedis> ready = new CompletableFuture<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private volatile int port;

    /** Guarded by this. */
    private @Nullable Process process;

    /** What it last warned of, and whether it was ready; of the run that goes on or was the last. */
    private volatile String lastWarning = "";

    private boolean wasReady;

    /** The Redis of this folder, not yet started. */
    public EmbeddedRedis(DataFolder folder) {
        this.folder = folder;
    }

    /**
     * Starts Redis on the data in the folder and returns when it is ready. Call it once.
     *
     * @throws IOException with a sentence for the operator if it cannot be started, or the start was cancelled
     */
    public void start() throws IOException {
        OrphanedRedis.end(folder);
        Path executable = RedisExecutable.find(folder.redisFolder());
        DataVersion.refuseNewer(folder.redisFolder(), RedisExecutable.release(executable), executable.toString());
        port = freePort();
        var supervisor = new Thread(() -> supervise(executable), "embedded-redis");
        supervisor.setDaemon(true);
        supervisor.start();
        try {
            ready.get(START_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            close();
            throw new IOException("The embedded Redis (" + executable + ") did not start: " + reason(), e);
        } catch (InterruptedException e) {
            close();
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while the embedded Redis started", e);
        }
        LOG.info(
                "No REDIS_URL is set: started {} on 127.0.0.1:{} with its data in {} (DATA_DIR)",
                executable,
                port,
                folder.path());
    }

    /** Lets a start that is still under way fail at once. Does nothing after it. May be called from any thread. */
    public void cancelStart() {
        ready.completeExceptionally(new IOException("The start was cancelled"));
    }

    /** How to reach it once it is started; holds the password. */
    public String url() {
        return "redis://:" + password + "@127.0.0.1:" + port;
    }

    private void supervise(Path executable) {
        try {
            int portsTried = 1;
            boolean failureTold = false;
            Duration pause = FIRST_PAUSE;
            while (true) {
                long begin = System.nanoTime();
                String end = run(executable);
                if (closed.getCount() == 0 || ready.isCompletedExceptionally()) {
                    return;
                }
                if (!ready.isDone()) {
                    // Another process may have taken the port since it was found free.
                    if (portsTried == MAX_PORTS_TRIED || !lastWarning.contains("in use")) {
                        ready.completeExceptionally(new IOException(end));
                        return;
                    }
                    portsTried++;
                    port = freePort();
                    continue;
                }
                if (wasReady) {
                    LOG.error("The embedded Redis ended by itself ({}); starting it again", end);
                    failureTold = false;
                } else if (!failureTold) {
                    LOG.error("The embedded Redis cannot be started again ({}); trying until it can", end);
                    failureTold = true;
                }
                if (System.nanoTime() - begin > CALM.toNanos()) {
                    pause = FIRST_PAUSE;
                }
                if (closed.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                    return;
                }
                pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
            }
        } catch (IOException noFreePort) {
            ready.completeExceptionally(noFreePort);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Runs Redis to its end, and returns how it ended. Reads all its output, as a full pipe would block it. */
    private String run(Path executable) throws InterruptedException {
        wasReady = false;
        lastWarning = "";
        try {
            Process started = spawn(executable);
            if (started == null) {
                return "not wanted any more";
            }
            readOutput(started);
            return "status " + started.waitFor() + ": " + reason();
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private String reason() {
        return lastWarning.isEmpty() ? "it gave no reason" : lastWarning;
    }

    /** Null if it is closed already. The lock makes sure that no child is started that {@link #close} does not see. */
    private synchronized @Nullable Process spawn(Path executable) throws IOException {
        if (closed.getCount() == 0 || ready.isCompletedExceptionally()) {
            return null;
        }
        DataFolder.writePrivate(folder.redisUrlFile(), url() + "\n");
        Process started = new ProcessBuilder(command(executable))
                .redirectErrorStream(true)
                .start();
        process = started;
        // By standard input, as anyone on the machine could read a password among the arguments.
        String configuration = String.join(
                "\n",
                "port " + port,
                "bind 127.0.0.1",
                "requirepass " + password,
                "dir \"" + folder.redisFolder().toString().replace("\\", "\\\\").replace("\"", "\\\"") + "\"",
                "appendonly yes",
                "appendfsync always",
                "save \"\"",
                "maxmemory-policy noeviction",
                "loglevel notice",
                "");
        try (OutputStream input = started.getOutputStream()) {
            input.write(configuration.getBytes(StandardCharsets.UTF_8));
        } catch (IOException endedBeforeItRead) {
            lastWarning = "it ended at once";
        }
        return started;
    }

    /**
     * Its files are for this user only. It gets a session of its own if the system can do that: then Ctrl-C, or a signal to the
     * whole process group, does not end Redis under calls that this process still finishes.
     */
    private static List<String> command(Path executable) {
        return DataFolder.POSIX
                ? List.of("sh", "-c", "umask 077; exec $(command -v setsid) \"$0\" -", executable.toString())
                : List.of(executable.toString(), "-");
    }

    private void readOutput(Process started) throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (READY.matcher(line).matches()) {
                    wasReady = true;
                    if (!ready.complete(this) && !ready.isCompletedExceptionally()) {
                        LOG.info("The embedded Redis runs again");
                    }
                } else if (!line.contains(" * ")) {
                    lastWarning = line;
                }
            }
        }
    }

    /** Ends Redis; what it has answered is on disk. */
    @Override
    public void close() throws IOException {
        Process running;
        synchronized (this) {
            closed.countDown();
            running = process;
        }
        if (running == null) {
            return;
        }
        // Not Process.destroy, which would close the output that is still being read.
        running.toHandle().destroy();
        try {
            if (!running.waitFor(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                running.destroyForcibly();
            }
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(folder.redisUrlFile());
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
