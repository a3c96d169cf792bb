package licenseserver.redis.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder in which a server with a Redis of its own keeps everything: the data, the secrets that it made, and the
 * address of that Redis. Only one server at a time can use it.
 */
public final class DataFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataFolder.class);
    private static final int SECRET_BYTES = 24;

    /** Whether files have Unix permissions. */
    static final boolean POSIX =
            FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

    private static final Set<PosixFilePermission> OWNERS_ONLY = PosixFilePermissions.fromString("rwx------");

    private final Path path;
    private final FileChannel lock;

    private DataFolder(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * Opens the folder, creates it if there is none, and keeps other servers out until it is closed or this process
     * ends. From now on only this user can read what is in it.
     *
     * @throws IOException with a sentence for the operator if it cannot be used, or another server uses it
     */
    public static DataFolder open(Path path) throws IOException {
        Path folder = path.toAbsolutePath().normalize();
        FileChannel channel;
        try {
            Files.createDirectories(
                    folder.resolve("redis"),
                    POSIX
                            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(OWNERS_ONLY)}
                            : new FileAttribute<?>[0]);
            channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException(cannotBeWritten(folder), e);
        }
        if (!lock(channel)) {
            channel.close();
            throw new IOException(isInUse(folder));
        }
        keepPrivate(folder);
        return new DataFolder(folder, channel);
    }

    /**
     * Takes away permissions that an earlier version, a copy or a person gave to other users. A folder that others
     * need, too, such as the one in which the program was started, keeps its permissions; then only the subfolder of
     * Redis is private.
     */
    private static void keepPrivate(Path folder) {
        Path redis = folder.resolve("redis");
        boolean othersNeedIt = Stream.of("user.dir", "user.home", "java.io.tmpdir")
                .anyMatch(name -> Path.of(System.getProperty(name)).startsWith(folder));
        // Either can be a link to a folder elsewhere.
        for (Path top : othersNeedIt ? List.of(redis) : List.of(folder, redis)) {
            try (Stream<Path> files = Files.walk(top.toRealPath())) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    keepFilePrivate(file);
                }
            } catch (IOException | UncheckedIOException e) {
                LOG.warn(
                        "Other users may be able to read what is in {}: its permissions cannot be changed ({})",
                        top,
                        e.getMessage());
            }
        }
    }

    static void keepFilePrivate(Path file) throws IOException {
        if (POSIX && !Files.isSymbolicLink(file)) {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            if (permissions.retainAll(OWNERS_ONLY)) {
                Files.setPosixFilePermissions(file, permissions);
            }
        }
    }

    static String cannotBeWritten(Path folder) {
        return "The data folder " + folder + " cannot be written (DATA_DIR).";
    }

    private static String isInUse(Path folder) {
        return "The data folder " + folder + " is in use by another license server (DATA_DIR).";
    }

    /** Throws, with a sentence for the operator, if a server has this folder open. Creates nothing in it. */
    static void refuseIfInUse(Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.WRITE)) {
            if (!lock(channel)) {
                throw new IOException(isInUse(folder));
            }
        } catch (NoSuchFileException unused) {
            return;
        } catch (AccessDeniedException e) {
            throw new IOException(cannotBeWritten(folder), e);
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException sameProcess) {
            return false;
        }
    }

    /** The file that keeps the admin secret. */
    public Path adminSecretFile() {
        return path.resolve("admin-secret");
    }

    /** Returns the admin secret. The first call ever creates it. */
    public String adminSecret() throws IOException {
        return secret(adminSecretFile());
    }

    /** Returns the secret that signs histories. The first call ever creates it. */
    public String historySecret() throws IOException {
        return secret(path.resolve("history-secret"));
    }

    private static String secret(Path file) throws IOException {
        Optional<String> kept = read(file);
        if (kept.isPresent()) {
            return kept.get();
        }
        String secret = randomSecret();
        writePrivate(file, secret + "\n");
        return secret;
    }

    /** The folder itself, as an absolute path. */
    public Path path() {
        return path;
    }

    /** The file that remembers which store the Redis in this folder holds. */
    public Path storeIdentityFile() {
        return path.resolve("store-identity");
    }

    /** What {@link #rememberStoreIdentity} was given; empty if it was never called. */
    public Optional<String> storeIdentity() throws IOException {
        return read(storeIdentityFile());
    }

    /** Keeps the identity of the store that the Redis in this folder holds. */
    public void rememberStoreIdentity(String identity) throws IOException {
        if (!storeIdentity().equals(Optional.of(identity))) {
            writePrivate(storeIdentityFile(), identity + "\n");
        }
    }

    /** Where Redis keeps its files. */
    Path redisFolder() {
        return path.resolve("redis");
    }

    /**
     * The file with the address of the Redis in this folder. It exists only while that Redis runs, or if it was left
     * behind.
     */
    Path redisUrlFile() {
        return path.resolve("redis-url");
    }

    /** The text of a file without surrounding white space; empty if there is no such file, or nothing in it. */
    static Optional<String> read(Path file) throws IOException {
        return Files.exists(file)
                ? Optional.of(Files.readString(file).strip()).filter(text -> !text.isEmpty())
                : Optional.empty();
    }

    /** Writes a file that only this user can read, in one step. */
    static void writePrivate(Path file, String text) throws IOException {
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        Files.deleteIfExists(draft);
        if (Files.getFileStore(file.getParent()).supportsFileAttributeView("posix")) {
            Files.createFile(draft, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        }
        Files.writeString(draft, text);
        // With REPLACE_EXISTING it would first delete the old one.
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    }

    static String randomSecret() {
        byte[] bytes = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /** Lets other servers in. */
    @Override
    public void close() throws IOException {
        lock.close();
    }
}
