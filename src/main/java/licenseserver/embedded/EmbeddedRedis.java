package licenseserver.embedded;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Redis as a child process: on loopback with a password of its own, writing each change to disk before it answers.
 * It is started again where it ends by itself, and ends with {@link #close}. Where this process was killed the child goes
 * on; the next start finds it by the file that tells how to reach it, and ends it, which loses nothing.
 *
 * <p>All methods block, each for a bounded time; none may be called on an event loop.
 */
public final class EmbeddedRedis implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedRedis.class);

    /** Enough to load some million licenses from disk. */
    private static final Duration START_PATIENCE = Duration.ofSeconds(60);

    private static final Duration STOP_PATIENCE = Duration.ofSeconds(5);
    private static final Duration RESTART_PAUSE = Duration.ofMillis(200);
    private static final Duration ORPHAN_PATIENCE = Duration.ofSeconds(10);
    private static final int MAX_PORTS_TRIED = 5;
    private static final Pattern READY = Pattern.compile(".*[Rr]eady to accept connections.*");

    private final DataFolder folder;
    private final Path executable;
    private final String password;
    private final int port;
    private final CompletableFuture<EmbeddedRedis> ready = new CompletableFuture<>();
    private volatile @Nullable Process process;
    private volatile boolean closing;
    private volatile String lastWarning = "it gave no reason";

    private EmbeddedRedis(DataFolder folder, Path executable, String password, int port) {
        this.folder = folder;
        this.executable = executable;
        this.password = password;
        this.port = port;
    }

    /**
     * Starts Redis on the data in the folder.
     *
     * @throws IOException with a sentence for the operator where it cannot be started
     */
    public static EmbeddedRedis start(DataFolder folder) throws IOException {
        endOrphan(folder);
        Path executable = RedisExecutable.find(folder.redisFolder());
        refuseToForget(folder, executable);
        for (int attempt = 1; ; attempt++) {
            var redis = new EmbeddedRedis(folder, executable, DataFolder.randomSecret(), freePort());
            try {
                redis.start();
                return redis;
            } catch (IOException e) {
                redis.close();
                // Another process may have taken the port since it was found free.
                if (attempt == MAX_PORTS_TRIED || !redis.lastWarning.contains("in use")) {
                    throw e;
                }
            }
        }
    }

    /** How to reach it; holds the password. */
    public String url() {
        return "redis://:" + password + "@127.0.0.1:" + port;
    }

    private void start() throws IOException {
        DataFolder.writePrivate(folder.redisUrlFile(), url() + "\n");
        var supervisor = new Thread(this::supervise, "embedded-redis");
        supervisor.setDaemon(true);
        supervisor.start();
        try {
            ready.get(START_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("The embedded Redis (" + executable + ") did not start: " + lastWarning, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while the embedded Redis started", e);
        }
        LOG.info(
                "No REDIS_URL is set: started {} on 127.0.0.1:{} with its data in {}",
                executable,
                port,
                folder.redisFolder());
    }

    /** Runs Redis until it is closed: reads its output to the end, always, as a full pipe would block it. */
    private void supervise() {
        try {
            while (!closing) {
                Process started = spawn();
                process = started;
                if (closing) {
                    started.toHandle().destroy();
                }
                readOutput(started);
                int status = started.waitFor();
                if (!ready.isDone()) {
                    ready.completeExceptionally(new IOException(lastWarning));
                    return;
                }
                if (!closing) {
                    LOG.error(
                            "The embedded Redis ended by itself (status {}): {}; starting it again",
                            status,
                            lastWarning);
                    Thread.sleep(RESTART_PAUSE.toMillis());
                }
            }
        } catch (IOException e) {
            LOG.error("The embedded Redis cannot be started again ({})", e.getMessage());
            ready.completeExceptionally(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The configuration goes in by standard input, as anyone on the machine could read a password among the arguments. */
    private Process spawn() throws IOException {
        Process started = new ProcessBuilder(executable.toString(), "-")
                .redirectErrorStream(true)
                .start();
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

    private void readOutput(Process started) throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (READY.matcher(line).matches()) {
                    ready.complete(this);
                } else if (!line.contains(" * ")) {
                    lastWarning = line;
                }
            }
        }
    }

    /** Ends Redis; what it has answered is on disk. */
    @Override
    public void close() throws IOException {
        closing = true;
        Process running = process;
        if (running != null) {
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
        }
        Files.deleteIfExists(folder.redisUrlFile());
    }

    /** Redis 6 does not see the files of Redis 7 and would start empty. */
    private static void refuseToForget(DataFolder folder, Path executable) throws IOException {
        if (Files.isDirectory(folder.redisFolder().resolve("appendonlydir"))
                && RedisExecutable.majorVersion(executable) < 7) {
            throw new IOException("The data in " + folder.redisFolder()
                    + " was written by Redis 7 or newer, and " + executable
                    + " is older: put a redis-server 7 or newer on the PATH.");
        }
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    /**
     * Ends the Redis of a server that was killed. That it is that one, and nobody else's on the same port by now, is shown by
     * its knowing the password.
     */
    private static void endOrphan(DataFolder folder) throws IOException {
        Optional<String> url = DataFolder.read(folder.redisUrlFile());
        if (url.isEmpty()) {
            return;
        }
        URI orphan = URI.create(url.get());
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), orphan.getPort());
        try (var socket = new Socket()) {
            socket.connect(address, (int) ORPHAN_PATIENCE.toMillis());
            socket.setSoTimeout((int) ORPHAN_PATIENCE.toMillis());
            OutputStream out = socket.getOutputStream();
            InputStream in = socket.getInputStream();
            out.write(("AUTH " + orphan.getUserInfo().substring(1) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            if (!new String(in.readNBytes(5), StandardCharsets.US_ASCII).equals("+OK\r\n")) {
                return;
            }
            LOG.info("Ending the Redis that an earlier run left behind on port {}", orphan.getPort());
            out.write("SHUTDOWN\r\n".getBytes(StandardCharsets.US_ASCII));
            // It says nothing more and closes the connection when its data is on disk.
            in.readAllBytes();
        } catch (SocketTimeoutException e) {
            throw new IOException(
                    "A Redis that an earlier run left behind on port " + orphan.getPort()
                            + " does not answer; end it and start again.",
                    e);
        } catch (IOException gone) {
            LOG.debug("No Redis of an earlier run on port {}", orphan.getPort());
        }
    }
}
