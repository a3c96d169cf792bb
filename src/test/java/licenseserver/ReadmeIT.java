package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the README shows is what happens. */
class ReadmeIT {
    private static final Pattern ROW = Pattern.compile("^\\| `([A-Z0-9_]+)` \\| (?:`(.*?)`)? ?\\|", Pattern.MULTILINE);
    private static final Pattern LINE = Pattern.compile("^#([A-Z0-9_]+)=(.*)$", Pattern.MULTILINE);

    @TempDir
    Path folder;

    @Test
    void the_quick_start_gives_the_answers_shown() throws Exception {
        try (JarProcess server = JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0"))) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            String commands = block("quick start: commands").replace("localhost:8080", "127.0.0.1:" + port);

            assertThat(comparable(bash(commands))).isEqualTo(comparable(block("quick start: answers")));
        }
    }

    @Test
    void each_task_of_the_day_gives_the_answer_shown() throws Exception {
        try (JarProcess server = JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0"))) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            var commands = new StringBuilder();
            var answers = new StringBuilder();
            Matcher block =
                    Pattern.compile("```(sh|json)\\n(.*?)```", Pattern.DOTALL).matcher(chapter("Day to day"));
            while (block.find()) {
                (block.group(1).equals("sh") ? commands : answers).append(block.group(2));
            }

            String output = bash(commands.toString().replace("localhost:8080", "127.0.0.1:" + port));

            assertThat(comparable(output).lines())
                    .containsExactlyElementsOf(
                            comparable(answers.toString()).lines().toList());
        }
    }

    @Test
    void the_settings_table_and_the_commented_file_hold_every_setting_and_its_default() throws IOException {
        assertThat(settings(ROW, readme())).isEqualTo(Config.DEFAULTS);
        assertThat(settings(LINE, Files.readString(Path.of("conf", "license-server.env"))))
                .isEqualTo(Config.DEFAULTS);
    }

    private static Map<String, String> settings(Pattern pattern, String text) {
        var settings = new LinkedHashMap<String, String>();
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            settings.put(matcher.group(1), matcher.group(2) == null ? "" : matcher.group(2));
        }
        return settings;
    }

    private String bash(String commands) throws Exception {
        Path output = folder.resolve("output");
        Process bash = new ProcessBuilder("bash", "-euc", commands)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(bash.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return Files.readString(output, StandardCharsets.UTF_8);
    }

    /** Keys and times differ from run to run. */
    private static String comparable(String text) {
        return text.replaceAll("([A-Z2-9]{4}-){3}[A-Z2-9]{4}", "KEY")
                .replaceAll("…[A-Z2-9]{4}", "END OF KEY")
                .replaceAll("\\d{13}", "TIME")
                .replaceAll("\"hash\":\"[\\w-]{22}\"", "HASH")
                .strip();
    }

    /** The fenced block below the comment of this name. */
    private static String block(String name) throws IOException {
        Matcher matcher = Pattern.compile("<!-- " + name + " -->\\s*```\\w+\\n(.*?)```", Pattern.DOTALL)
                .matcher(readme());
        assertThat(matcher.find()).as(name).isTrue();
        return matcher.group(1);
    }

    private static String chapter(String title) throws IOException {
        Matcher matcher =
                Pattern.compile("## " + title + "\n(.*?)\n## ", Pattern.DOTALL).matcher(readme());
        assertThat(matcher.find()).as(title).isTrue();
        return matcher.group(1);
    }

    private static String readme() throws IOException {
        return Files.readString(Path.of("README.md"));
    }
}
