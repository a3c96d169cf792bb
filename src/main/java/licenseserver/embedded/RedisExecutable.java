package licenseserver.embedded;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.embedded.core.ExecutableProvider;

/** The Redis program of this machine. */
public final class RedisExecutable {
    private static final Pattern MAJOR_VERSION = Pattern.compile("v=(\\d+)\\.");

    private RedisExecutable() {}

    /**
     * A {@code redis-server} or {@code valkey-server} on the PATH, else the one that this program carries.
     *
     * @param folder where the carried one is unpacked
     */
    public static Path find(Path folder) throws IOException {
        String path = System.getenv().getOrDefault("PATH", "");
        for (String name : List.of("redis-server", "valkey-server")) {
            for (String place : path.split(Pattern.quote(File.pathSeparator), -1)) {
                Path candidate = Path.of(place, name);
                if (!place.isEmpty() && Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                    return candidate;
                }
            }
        }
        Path carried =
                ExecutableProvider.newJarResourceProvider(folder.toFile()).get().toPath();
        DataFolder.keepFilePrivate(carried);
        return carried;
    }

    /** The first number of its version; 0 where it does not tell. */
    static int majorVersion(Path executable) throws IOException {
        Process version = new ProcessBuilder(executable.toString(), "--version")
                .redirectErrorStream(true)
                .start();
        try (var output = version.getInputStream()) {
            Matcher matcher = MAJOR_VERSION.matcher(new String(output.readAllBytes(), StandardCharsets.UTF_8));
            return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
        }
    }
}
