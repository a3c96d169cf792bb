package licenseserver;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The packaged program as a process of its own, as an operator runs it. */
public final class JarProcess implements AutoCloseable {
    private static final Pattern LISTENS = Pattern.compile("listens on .*:(\\d+)$");
    private static final Pattern EMBEDDED_PORT = Pattern.compile("started .* on 127\\.0\\.0\\.1:(\\d+) with");

    private final Process process;
    private final List<String> output = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private JarProcess(Process process) {
        this.process = process;
        this.reader = new Thread(this::read, "jar-output");
        reader.setDaemon(true);
        reader.start();
    }

    /** Starts the jar in this folder with these settings and none else. */
    static JarProcess start(Path folder, Map<String, String> settings) {
        return start(folder, settings, List.of("-jar", jar()));
    }

    /** Where the packaged program is. */
    public static String jar() {
        return System.getProperty("license-server.jar");
    }

    /** Starts the jar in the same way, as the leader of a process group of its own. */
    static JarProcess startInGroup(Path folder, Map<String, String> settings) {
        return startCommand(folder, settings, List.of("setsid", java(), "-jar", jar()));
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** Starts {@code java} with these arguments, in the same way. */
    public static JarProcess start(Path folder, Map<String, String> settings, List<String> arguments) {
        var command = new ArrayList<String>();
        command.add(java());
        command.addAll(arguments);
        return startCommand(folder, settings, command);
    }

    private static JarProcess startCommand(Path folder, Map<String, String> settings, List<String> command) {
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        Configuration.SECTIONS.forEach(section -> section.names().forEach(builder.environment()::remove));
        builder.environment().putAll(settings);
        try {
            var jar = new JarProcess(builder.start());
            Runtime.getRuntime().addShutdownHook(new Thread(jar.process::destroyForcibly));
            return jar;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            lines.lines().forEach(output::add);
        } catch (IOException | UncheckedIOException closed) {
            // The process ended.
        }
    }

    /** The process itself. */
    public ProcessHandle handle() {
        return process.toHandle();
    }

    /** The port it listens on, as soon as it does. */
    public int port() {
        return Integer.parseInt(await(LISTENS));
    }

    /** The port of the Redis that it started, as soon as it has. */
    int embeddedRedisPort() {
        return Integer.parseInt(await(EMBEDDED_PORT));
    }

    private String await(Pattern pattern) {
        var found = new String[1];
        Wait.until("the program says " + pattern + "; it said " + output, () -> {
            for (String line : output) {
                Matcher matcher = pattern.matcher(line);
                if (matcher.find()) {
                    found[0] = matcher.group(1);
                    return true;
                }
            }
            return !process.isAlive() && !reader.isAlive();
        });
        if (found[0] == null) {
            throw new AssertionError("The program ended; it said " + output);
        }
        return found[0];
    }

    List<String> output() {
        return output;
    }

    /** Asks it to end, as SIGTERM does. */
    void terminate() {
        process.toHandle().destroy();
    }

    /** Ends it as {@code kill -9} does. */
    void kill() {
        process.destroyForcibly();
        exitStatus();
    }

    /** Waits for its end. */
    int exitStatus() {
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                throw new AssertionError("The program did not end; it said " + output);
            }
            reader.join(TimeUnit.SECONDS.toMillis(10));
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The processes that it started. */
    List<ProcessHandle> children() {
        return process.children().toList();
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            terminate();
            exitStatus();
        }
    }
}
