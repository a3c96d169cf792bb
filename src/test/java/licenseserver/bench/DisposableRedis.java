package licenseserver.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import licenseserver.RedisProcess;

/** A Redis that confirms what is on disk, and leaves nothing there in the end. */
final class DisposableRedis implements AutoCloseable {
    private final RedisProcess redis = RedisProcess.start();

    String url() {
        return redis.url();
    }

    @Override
    public void close() {
        redis.close();
        delete(redis.folder());
    }

    /** Deletes a folder with all that is in it. */
    static void delete(Path folder) {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
