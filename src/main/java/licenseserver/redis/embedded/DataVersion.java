package licenseserver.redis.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Tells whether a release of Redis can read the data in a folder. */
final class DataVersion {
    /**
     * The newest snapshot format that each release reads: RDB_VERSION in its source. Newer releases decide for
     * themselves.
     */
    private static final Map<String, Integer> SNAPSHOTS = Map.of(
            "Redis 6.2", 9, "Redis 7.0", 10, "Redis 7.2", 11, "Valkey 7.2", 11, "Valkey 8.0", 11, "Valkey 8.1", 11);

    private static final Pattern LINE = Pattern.compile("(\\w+ (\\d{1,4})\\.\\d{1,4}).*");
    private static final Pattern HEADER = Pattern.compile("REDIS(\\d{4})");
    private static final int HEADER_BYTES = 9;

    private DataVersion() {}

    /**
     * Refuses data that is too new for a release. Redis 6 does not see the files of Redis 7 and would start empty;
     * later releases end with a message that does not mention versions.
     *
     * @param release such as {@code Redis 7.0.15}
     * @param program how the sentence calls the program
     * @throws IOException with a sentence for the operator if the data was written by a newer Redis
     */
    static void refuseNewer(Path redisFolder, String release, String program) throws IOException {
        Path files = redisFolder.resolve("appendonlydir");
        Matcher line = LINE.matcher(release);
        if (!Files.isDirectory(files) || !line.matches()) {
            return;
        }
        if (Integer.parseInt(line.group(2)) < 7) {
            throw tooNew(redisFolder, "was written by Redis 7 or newer", program, release);
        }
        Integer readable = SNAPSHOTS.get(line.group(1));
        if (readable == null) {
            return;
        }
        try (DirectoryStream<Path> snapshots = Files.newDirectoryStream(files, "*.base.rdb")) {
            for (Path snapshot : snapshots) {
                try (InputStream content = Files.newInputStream(snapshot)) {
                    String start = new String(content.readNBytes(HEADER_BYTES), StandardCharsets.US_ASCII);
                    Matcher header = HEADER.matcher(start);
                    if (start.startsWith("VALKEY")
                            || (header.matches() && Integer.parseInt(header.group(1)) > readable)) {
                        throw tooNew(redisFolder, "was written by a newer Redis or Valkey", program, release);
                    }
                }
            }
        }
    }

    private static IOException tooNew(Path redisFolder, String wasWritten, String program, String release) {
        return new IOException("The data in " + redisFolder + " " + wasWritten + ", and " + program + " (" + release
                + ") cannot read it: put the program that wrote it on the PATH, as redis-server or valkey-server.");
    }
}
