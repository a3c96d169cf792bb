package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class VersionTest {
    @Test
    void is_the_version_of_the_pom() throws Exception {
        assertThat(Files.readString(Path.of("pom.xml")))
                .contains("<artifactId>license-server</artifactId>\n  <version>" + Version.text() + "</version>");
    }
}
