package licenseserver.redis.embedded;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.embedded.core.ExecutableProvider;

/** Finds the Redis program. */
public final class RedisExecutable {
    private static final Pattern RELEASE = Pattern.compile("(\\w+) server v=(\\S+)");
    private static final int PATIENCE_SECONDS = 10;

    private RedisExecutable() {}

    /**
     * Finds a {@code redis-server} or {@code valkey-server} on the PATH, else the one inside this program.
     *
     * @param folder where the one inside this program is unpacked
     * @throws IOException if that cannot be unpacked
     */
    public static Path find(Path folder) throws IOException {
        Optional<Path> installed = installed();
        return installed.isPresent() ? installed.get() : carried(folder);
    }

    /** The program on the PATH; empty if there is none. */
    static Optional<Path> installed() {
        String path = System.getenv().getOrDefault("PATH", "");
        for (String name : List.of("redis-server", "valkey-server")) {
            for (String place : path.split(Pattern.quote(File.pathSeparator), -1)) {
                Path candidate = Path.of(place, name);
                if (!place.isEmpty() && Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                    return Optional.of(candidate);
                }
            }
        }
        return Optional.empty();
    }

    /** The program inside this one, unpacked into this folder. */
    static Path carried(Path folder) throws IOException {
        Path carried =
                ExecutableProvider.newJarResourceProvider(folder.toFile()).get().toPath();
        DataFolder.keepFilePrivate(carried);
        return carried;
    }

    /**
     * Name and version of a program, such as {@code Redis 7.2.4} or {@code Valkey 8.0.1}.
     *
     * @throws IOException with a sentence for the operator if the program cannot be run, or says anything else
     */
    static String release(Path executable) throws IOException {
        String said;
        try {
            Process version = new ProcessBuilder(executable.toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
            if (!version.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                version.destroyForcibly();
            }
            said = new String(version.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new IOException("The Redis program " + executable + " cannot be run: " + e.getMessage() + ".", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while " + executable + " told its version", e);
        }
        Matcher matcher = RELEASE.matcher(said);
        if (!matcher.find()) {
            throw new IOException("The Redis program " + executable + " cannot be run; asked for its version it says: "
                    + said.lines().findFirst().orElse("nothing") + ".");
        }
        return matcher.group(1) + " " + matcher.group(2);
    }
}
