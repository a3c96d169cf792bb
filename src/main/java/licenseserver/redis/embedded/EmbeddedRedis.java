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
 * A real Redis as a child process. It listens on loopback, has a password of its own, and writes each change to disk
 * before it answers. If it ends by itself, it is started again until it runs; {@link #close} ends it. If this process
 * is killed, the child keeps running; the next start in the same folder ends it, which loses nothing.
 *
 * <p>{@link #start} and {@link #close} block, each for a bounded time, so do not call them on an event loop.
 */
public final class EmbeddedRedis implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

    /** Enough to load some million records from disk. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(60);

    private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

    /** After a run of this length, the pauses between attempts to start it are short again. */
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

    /** The last warning of the current run, or of the last one. */
    private volatile String lastWarning = "";

    private boolean wasReady;

    /** The Redis of this folder, not yet started. */
    public EmbeddedRedis(DataFolder folder) {
        this.folder = folder;
    }

    /**
     * Starts Redis on the data in the folder, and returns when it is ready. Call it only once.
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

    /**
     * Makes a start that is still under way fail at once. Has no effect after the start. May be called from any
     * thread.
     */
    public void cancelStart() {
        ready.completeExceptionally(new IOException("The start was cancelled"));
    }

    /** The address of the Redis once it is started; contains the password. */
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

    /**
     * Runs Redis until it ends, and returns how it ended. Reads all its output, because a full pipe would block it.
     */
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

    /** Null if this is already closed. Because of the lock, {@link #close} sees every child that is started. */
    private synchronized @Nullable Process spawn(Path executable) throws IOException {
        if (closed.getCount() == 0 || ready.isCompletedExceptionally()) {
            return null;
        }
        DataFolder.writePrivate(folder.redisUrlFile(), url() + "\n");
        Process started = new ProcessBuilder(command(executable))
                .redirectErrorStream(true)
                .start();
        process = started;
        // On standard input, because anyone on the machine can read the arguments of a process.
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
     * Only this user can read its files. It gets a session of its own if the system can do that. Then Ctrl-C, or a
     * signal to the whole process group, does not end Redis while this process still finishes calls.
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

    /** Ends Redis. Everything that it confirmed is on disk. */
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
        // Process.destroy would close the output, which is still being read.
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
