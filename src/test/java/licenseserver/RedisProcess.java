package licenseserver;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import licenseserver.redis.embedded.RedisExecutable;

/** A real Redis, or a sentinel, on loopback that a test can freeze, kill and start again; its data is in a folder of its own. */
public final class RedisProcess implements AutoCloseable {
    /** Whether tests must run on the Redis that the program carries, because the build runs them once more for that. */
    static final boolean MUST_BE_CARRIED = Boolean.getBoolean("redis.must-be-carried");

    private static final long PATIENCE_SECONDS = 20;

    private final Path folder;
    private final int port;
    private final List<String> arguments;
    private Process process;

    private RedisProcess(Path folder, int port, List<String> arguments) {
        this.folder = folder;
        this.port = port;
        this.arguments = arguments;
        this.process = spawn();
    }

    /** Starts Redis with the settings that the server asks for, and then these, for example {@code --appendonly no}. */
    public static RedisProcess start(String... options) {
        var arguments = new ArrayList<>(List.of("--appendonly", "yes", "--appendfsync", "always", "--save", ""));
        arguments.addAll(List.of(options));
        return start(List.of(), arguments);
    }

    /** Starts a sentinel, configured by these lines. */
    public static RedisProcess startSentinel(String... configuration) {
        return start(List.of(configuration), List.of("--sentinel"));
    }

    private static RedisProcess start(List<String> configuration, List<String> arguments) {
        try {
            Path folder = Files.createTempDirectory("redis-test-");
            // Where Redis and sentinels write what they are told later.
            Files.write(folder.resolve("redis.conf"), configuration);
            return new RedisProcess(folder, freePort(), arguments);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A port on which nothing listens. */
    public static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String url() {
        return "redis://127.0.0.1:" + port;
    }

    public int port() {
        return port;
    }

    /**
     * Sends one command.
     *
     * @return the reply; the elements of a list are joined by line ends
     */
    public String tell(String... words) {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
            socket.setSoTimeout(5000);
            var command = new StringBuilder("*" + words.length + "\r\n");
            for (String word : words) {
                command.append("$")
                        .append(word.length())
                        .append("\r\n")
                        .append(word)
                        .append("\r\n");
            }
            socket.getOutputStream().write(command.toString().getBytes(StandardCharsets.US_ASCII));
            return reply(new BufferedInputStream(socket.getInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String reply(InputStream from) throws IOException {
        var line = new StringBuilder();
        for (int next = from.read(); next != '\r'; next = from.read()) {
            if (next < 0) {
                throw new IOException("Redis closed the connection");
            }
            line.append((char) next);
        }
        from.read();
        String rest = line.substring(1);
        switch (line.charAt(0)) {
            case '-' -> throw new IllegalStateException(rest);
            case '$' -> {
                int length = Integer.parseInt(rest);
                return length < 0 ? "" : new String(from.readNBytes(length + 2), StandardCharsets.UTF_8).strip();
            }
            case '*' -> {
                var elements = new ArrayList<String>();
                for (int i = Integer.parseInt(rest); i > 0; i--) {
                    elements.add(reply(from));
                }
                return String.join("\n", elements);
            }
            default -> {
                return rest;
            }
        }
    }

    public Path folder() {
        return folder;
    }

    private Process spawn() {
        var command = new ArrayList<String>();
        try {
            command.add(executable().toString());
            command.add(folder.resolve("redis.conf").toString());
            command.addAll(List.of("--port", String.valueOf(port), "--bind", "127.0.0.1", "--dir", folder.toString()));
            command.addAll(arguments);
            Process started = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(folder.resolve("redis.log").toFile())
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(started::destroyForcibly));
            Wait.until("Redis accepts connections", () -> Wait.accepts(port));
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path executable() throws IOException {
        Path found = RedisExecutable.find(folder);
        if (MUST_BE_CARRIED && !found.startsWith(folder)) {
            throw new IllegalStateException("This run must use the carried Redis, but found " + found);
        }
        return found;
    }

    /** Sends one command whose words have no spaces, as {@link #tell}. */
    public String ask(String command) {
        return tell(command.split(" "));
    }

    /** How often it was sent this command, in lower case. */
    public long calls(String command) {
        return ask("INFO commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_" + command + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll(".*:calls=(\\d+),.*", "$1")))
                .sum();
    }

    public void freeze() {
        signal("STOP");
    }

    public void thaw() {
        signal("CONT");
    }

    private void signal(String name) {
        try {
            int status = new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IllegalStateException("kill ended with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Ends it as an operator does. */
    public void shutDown() {
        process.toHandle().destroy();
        awaitEnd();
    }

    /** Ends it as {@code kill -9} does. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    private void awaitEnd() {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("Redis did not end");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Starts it again, on the same port and data. */
    public void startAgain() {
        process = spawn();
    }

    /** Starts it again, on the same port, without its data, which {@link #startAgainWithItsData} brings back. */
    public void startAgainEmpty() {
        moveData(folder, folder.resolve("kept"));
        startAgain();
    }

    /** Starts it again with the data that it had before {@link #startAgainEmpty}, and without what was written since. */
    public void startAgainWithItsData() {
        moveData(folder, folder.resolve("dropped"));
        moveData(folder.resolve("kept"), folder);
        startAgain();
    }

    private static void moveData(Path from, Path to) {
        try {
            Files.createDirectories(to);
            for (String name : List.of("appendonly.aof", "appendonlydir", "dump.rdb")) {
                if (Files.exists(from.resolve(name))) {
                    Files.move(from.resolve(name), to.resolve(name));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        kill();
    }
}
