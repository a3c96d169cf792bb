package licenseserver.redis.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Tells whether a server could start a Redis of its own in a folder. Changes nothing there.
 *
 * @param folder where the data is or would be, as an absolute path
 * @param isNew whether there is no data yet
 * @param release name and version of the Redis program, such as {@code Redis 6.2.11}; empty if there is a problem
 * @param program where the Redis program is; empty if there is a problem, or if it is the one inside this program
 * @param problem a sentence for the operator; empty if all is well
 */
public record EmbeddedCheckup(
        Path folder, boolean isNew, Optional<String> release, Optional<Path> program, Optional<String> problem) {

    /** Examines this folder. Blocks for a bounded time, so do not call it on an event loop. */
    public static EmbeddedCheckup of(Path path) {
        Path folder = path.toAbsolutePath().normalize();
        Path redis = folder.resolve("redis");
        boolean isNew = !Files.exists(redis);
        Path existing = nearestExisting(folder);
        try {
            if (!Files.isDirectory(existing) || !isWritable(existing) || (!isNew && !isWritable(redis))) {
                throw new IOException(DataFolder.cannotBeWritten(folder));
            }
            DataFolder.refuseIfInUse(folder);
            Optional<Path> installed = RedisExecutable.installed();
            String release =
                    installed.isPresent() ? RedisExecutable.release(installed.get()) : carriedRelease(existing);
            DataVersion.refuseNewer(
                    redis, release, installed.map(Path::toString).orElse("the carried one"));
            return new EmbeddedCheckup(folder, isNew, Optional.of(release), installed, Optional.empty());
        } catch (IOException e) {
            return new EmbeddedCheckup(
                    folder, isNew, Optional.empty(), Optional.empty(), Optional.of(String.valueOf(e.getMessage())));
        }
    }

    private static Path nearestExisting(Path folder) {
        Path existing = folder;
        while (!Files.exists(existing)) {
            existing = Objects.requireNonNull(existing.getParent(), "the root exists");
        }
        return existing;
    }

    private static boolean isWritable(Path folder) {
        return Files.isWritable(folder) && Files.isExecutable(folder);
    }

    /** Unpacks it on the file system on which a start would do so, because not every file system lets programs run. */
    private static String carriedRelease(Path existing) throws IOException {
        Path unpacked = Files.createTempDirectory(existing, ".check-");
        try {
            return RedisExecutable.release(RedisExecutable.carried(unpacked));
        } finally {
            try (Stream<Path> files = Files.list(unpacked)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(unpacked);
        }
    }
}
