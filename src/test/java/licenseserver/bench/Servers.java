package licenseserver.bench;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import licenseserver.HttpCalls;
import licenseserver.JarProcess;
import licenseserver.Wait;
import licenseserver.http.Ceiling;

/** Starts what is measured: the packaged server and the ceiling, each in a JVM of its own and both with the same flags. */
final class Servers {
    /** Those of the image, but for its cache of classes; see Dockerfile for their reasons. */
    private static final List<String> IMAGE_FLAGS = List.of(
            "-Xmx64m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "--sun-misc-unsafe-memory-access=allow",
            "-Dio.netty.noUnsafe=false",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED");

    /** Those of them that the running JDK knows. */
    static final List<String> FLAGS =
            IMAGE_FLAGS.stream().filter(Servers::isKnown).toList();

    private Servers() {}

    /** A server on this Redis, ready. */
    static JarProcess start(Path folder, String redisUrl) {
        return start(folder, redisUrl, Map.of());
    }

    /** The same with these settings. */
    static JarProcess start(Path folder, String redisUrl, Map<String, String> settings) {
        var all = new HashMap<>(settings);
        all.put("REDIS_URL", redisUrl);
        all.put("ADMIN_SECRET", HttpCalls.SECRET);
        return startReady(folder, all);
    }

    /** A server with a Redis of its own and nothing in it, ready. */
    static JarProcess startEmbedded(Path folder) {
        return startReady(folder, Map.of("DATA_DIR", folder.resolve("data").toString()));
    }

    private static JarProcess startReady(Path folder, Map<String, String> settings) {
        var environment = new HashMap<>(settings);
        environment.put("HOST", "127.0.0.1");
        environment.put("PORT", "0");
        var arguments = new ArrayList<>(FLAGS);
        arguments.addAll(List.of("-jar", JarProcess.jar()));
        JarProcess server = JarProcess.start(folder, environment, arguments);
        var calls = new HttpCalls(server.port());
        Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
        return server;
    }

    /** The ceiling, on the classes and libraries of the packaged server. */
    static JarProcess startCeiling(Path folder, Path testClasses) {
        var arguments = new ArrayList<>(FLAGS);
        arguments.add("-cp");
        arguments.add(JarProcess.jar() + File.pathSeparator + testClasses);
        arguments.add(Ceiling.class.getName());
        JarProcess ceiling = JarProcess.start(folder, Map.of(), arguments);
        Wait.until("the ceiling listens", () -> ceiling.port() > 0);
        return ceiling;
    }

    private static boolean isKnown(String flag) {
        try {
            return new ProcessBuilder(
                                    Path.of(System.getProperty("java.home"), "bin", "java")
                                            .toString(),
                                    flag,
                                    "-version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The CPU time that it has used up to now, of its own and of the system on its behalf. */
    static Duration cpuTime(JarProcess server) {
        return server.handle().info().totalCpuDuration().orElseThrow();
    }

    /** How much of the machine's memory it occupies. */
    static double residentMegabytes(JarProcess server) {
        try {
            Path status = Path.of("/proc", String.valueOf(server.handle().pid()), "status");
            return Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024)
                    .findFirst()
                    .orElseThrow();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
