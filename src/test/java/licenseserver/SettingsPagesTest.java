package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import licenseserver.config.SettingsPages;
import org.junit.jupiter.api.Test;

/**
 * The files that describe the settings say what the declarations say. With {@code -Dwrite} they are written anew
 * first.
 */
class SettingsPagesTest {
    @Test
    void the_commented_file_is_what_the_declarations_say() throws IOException {
        compare(Path.of("conf", "license-server.env"), SettingsPages.file(Configuration.SECTIONS));
    }

    @Test
    void the_settings_page_is_what_the_declarations_say() throws IOException {
        compare(Path.of("docs", "settings.md"), SettingsPages.page(Configuration.SECTIONS));
    }

    private static void compare(Path file, String expected) throws IOException {
        if (System.getProperty("write") != null) {
            Files.writeString(file, expected);
        }
        assertThat(Files.readString(file))
                .as("%s is generated; rewrite it with: mvn test -Dtest=SettingsPagesTest -Dwrite", file)
                .isEqualTo(expected);
    }
}
