package licenseserver.config;

import java.util.ArrayList;
import java.util.List;

/** Writes the settings file and the settings page from the declarations. */
public final class SettingsPages {
    private static final int LINE_LENGTH = 118;

    private SettingsPages() {}

    /** Returns {@code conf/license-server.env}. */
    public static String file(List<Section> sections) {
        var file = new StringBuilder();
        comment(
                file,
                "Every setting of the license server, with its default. Remove the # in front of a setting to set it."
                        + " The server reads this file if it is at conf/license-server.env in the folder where it is"
                        + " started, or if the environment variable CONFIG_FILE names it. `docker run --env-file` and"
                        + " systemd's EnvironmentFile= can read it too. Variables of the environment win over lines of"
                        + " this file.");
        for (Section section : sections) {
            file.append("\n## ").append(section.title()).append('\n');
            section.settings().forEach(setting -> entry(file, setting));
        }
        return file.toString();
    }

    private static void entry(StringBuilder file, Setting<?> setting) {
        file.append('\n');
        String range = setting.range().isEmpty() ? "" : " Values: " + setting.range() + ".";
        String ownFile = setting.isSecret()
                ? " To keep it out of here, set " + setting.fileName() + " to the path of a file that holds it."
                : "";
        comment(file, setting.description() + range + ownFile);
        file.append('#')
                .append(setting.name())
                .append('=')
                .append(setting.defaultText())
                .append('\n');
    }

    private static void comment(StringBuilder file, String text) {
        var line = new StringBuilder("#");
        for (String word : text.replace("`", "").split(" ", -1)) {
            if (line.length() + 1 + word.length() > LINE_LENGTH) {
                file.append(line).append('\n');
                line.setLength(1);
            }
            line.append(' ').append(word);
        }
        file.append(line).append('\n');
    }

    /** Returns {@code docs/settings.md}. */
    public static String page(List<Section> sections) {
        var page = new StringBuilder();
        page.append("""
                # Settings

                The server takes its settings from the environment and from a file: the one that `CONFIG_FILE` names,
                or `conf/license-server.env` in the folder where the server is started. The environment wins. An empty
                value counts as not set. If a setting cannot be used, or the file has an unknown name, the server does
                not start, and says why in one sentence.

                Each secret can be kept in a file of its own. Set the path of that file instead of the secret:
                """);
        page.append(String.join(", ", secretFiles(sections))).append(".\n");
        for (Section section : sections) {
            page.append("\n## ").append(section.title()).append("\n\n");
            page.append("| setting | default | values | meaning |\n|---|---|---|---|\n");
            for (Setting<?> setting : section.settings()) {
                page.append("| `").append(setting.name()).append("` |");
                cell(page, setting.defaultText().isEmpty() ? "" : "`" + setting.defaultText() + "`");
                cell(page, setting.range());
                cell(page, setting.description());
                page.append('\n');
            }
        }
        return page.toString();
    }

    private static void cell(StringBuilder page, String text) {
        page.append(text.isEmpty() ? " |" : " " + text.replace("|", "\\|") + " |");
    }

    private static List<String> secretFiles(List<Section> sections) {
        var files = new ArrayList<String>();
        for (Section section : sections) {
            section.settings().stream()
                    .filter(Setting::isSecret)
                    .forEach(setting -> files.add("`" + setting.fileName() + "`"));
        }
        return files;
    }
}
