package licenseserver.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The values of the settings. The environment wins over the settings file, and the file over the defaults. An empty
 * value counts as not set.
 */
public final class Values {
    private static final Path DEFAULT_FILE = Path.of("conf", "license-server.env");

    private final Map<String, String> environment;
    private final Map<String, String> file;
    private final Set<Setting<?>> declared;

    private Values(Map<String, String> environment, Map<String, String> file, Set<Setting<?>> declared) {
        this.environment = environment;
        this.file = file;
        this.declared = declared;
    }

    /**
     * Reads the settings file: the one that {@code CONFIG_FILE} in the environment names, or else
     * {@code conf/license-server.env}, which need not exist. The file may set only what is declared; the environment
     * may hold other variables.
     *
     * @param declared all settings there are
     * @throws ConfigException if the file cannot be read, or has a line that is not a setting
     */
    public static Values of(Map<String, String> environment, List<Section> declared) {
        String named = environment.getOrDefault("CONFIG_FILE", "");
        Set<String> names =
                declared.stream().flatMap(section -> section.names().stream()).collect(Collectors.toSet());
        Map<String, String> file;
        if (!named.isEmpty()) {
            file = readFile(Path.of(named), names);
        } else {
            file = Files.exists(DEFAULT_FILE) ? readFile(DEFAULT_FILE, names) : Map.of();
        }
        return new Values(
                environment,
                file,
                declared.stream()
                        .flatMap(section -> section.settings().stream())
                        .collect(Collectors.toSet()));
    }

    private static Map<String, String> readFile(Path file, Set<String> names) {
        var values = new HashMap<String, String>();
        try {
            int number = 0;
            for (String line : Files.readAllLines(file)) {
                number++;
                if (line.isBlank() || line.stripLeading().startsWith("#")) {
                    continue;
                }
                int equals = line.indexOf('=');
                if (equals < 0) {
                    throw new ConfigException("Line " + number + " of " + file + " is not of the form NAME=value.");
                }
                String name = line.substring(0, equals).strip();
                if (!names.contains(name)) {
                    throw new ConfigException(
                            "Line " + number + " of " + file + " has an unknown setting: " + name + ".");
                }
                if (values.put(name, line.substring(equals + 1).strip()) != null) {
                    throw new ConfigException(name + " is set twice in " + file + ".");
                }
            }
        } catch (IOException e) {
            throw new ConfigException("The configuration file " + file + " cannot be read.");
        }
        return values;
    }

    /**
     * Returns the value of a setting, or its default if it is not set.
     *
     * @throws ConfigException if the value cannot be used
     * @throws IllegalArgumentException if the setting is not among the declared ones
     */
    public <T> T get(Setting<T> setting) {
        if (!declared.contains(setting)) {
            throw new IllegalArgumentException(setting.name() + " is not in the list of its section");
        }
        for (Map<String, String> source : List.of(environment, file)) {
            String text = setting.isSecret() ? secret(source, setting) : source.getOrDefault(setting.name(), "");
            if (!text.isEmpty()) {
                return setting.read(text);
            }
        }
        return setting.read(setting.defaultText());
    }

    private static String secret(Map<String, String> source, Setting<?> setting) {
        String text = source.getOrDefault(setting.name(), "");
        String fileText = source.getOrDefault(setting.fileName(), "");
        if (fileText.isEmpty()) {
            return text;
        }
        if (!text.isEmpty()) {
            throw new ConfigException(setting.name() + " and " + setting.fileName() + " are both set; set one.");
        }
        Path path = Path.of(fileText);
        try {
            String secret = Files.readString(path).strip();
            if (secret.isEmpty()) {
                throw new ConfigException(setting.fileName() + " names an empty file: " + path + ".");
            }
            return secret;
        } catch (IOException e) {
            throw new ConfigException(setting.fileName() + " names a file that cannot be read: " + path + ".");
        }
    }
}
