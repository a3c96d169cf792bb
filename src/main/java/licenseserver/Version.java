package licenseserver;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The version of this program, which the build writes into a resource. */
final class Version {
    private static final String TEXT = read();

    private Version() {}

    /** The version as in the pom, such as {@code 1.2.3} or {@code 1.3.0-SNAPSHOT}; never null. */
    static String text() {
        return TEXT;
    }

    private static String read() {
        try (InputStream version = Version.class.getResourceAsStream("version.txt")) {
            if (version == null) {
                throw new IllegalStateException("The build left out version.txt");
            }
            return new String(version.readAllBytes(), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
