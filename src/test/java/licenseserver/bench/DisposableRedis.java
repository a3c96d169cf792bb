package licenseserver.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import licenseserver.RedisProcess;
import licenseserver.Wait;
import org.jspecify.annotations.Nullable;

/** A Redis that confirms what is on disk, and leaves nothing there in the end. */
final class DisposableRedis implements AutoCloseable {
    private final RedisProcess redis =
            RedisProcess.start("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0");
    private @Nullable RedisProcess replica;

    String url() {
        return redis.url();
    }

    /** Starts another that follows this one. */
    void addReplica() {
        replica = RedisProcess.start("--replicaof", "127.0.0.1", String.valueOf(redis.port()));
        Wait.until(
                "the replica follows", () -> redis.tell("INFO", "replication").contains("state=online"));
    }

    void configure(String name, String value) {
        redis.tell("CONFIG", "SET", name, value);
    }

    @Override
    public void close() {
        if (replica != null) {
            replica.close();
            delete(replica.folder());
        }
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
