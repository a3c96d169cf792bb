package licenseserver.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How Redis is reached has nothing to do with what is kept there; not even a comment or a message needs to say so. */
class WordsTest {
    private static final Path SOURCES = Path.of("src", "main", "java", "licenseserver", "redis");

    /** The word, except in the name of the program and of its packages. */
    private static final Pattern LICENSE =
            Pattern.compile("licens(?!e server)(?!eserver\\.)", Pattern.CASE_INSENSITIVE);

    @Test
    void no_source_of_redis_speaks_of_licenses() throws IOException {
        try (Stream<Path> sources = Files.walk(SOURCES)) {
            List<Path> files = sources.filter(Files::isRegularFile).toList();
            var found = new ArrayList<String>();
            for (Path file : files) {
                Files.readAllLines(file).stream()
                        .filter(LICENSE.asPredicate())
                        .forEach(line -> found.add(file.getFileName() + ": " + line));
            }

            assertThat(files).hasSizeGreaterThan(20);
            assertThat(found).isEmpty();
        }
    }
}
