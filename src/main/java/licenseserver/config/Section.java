package licenseserver.config;

import java.util.List;

/**
 * The settings of one concern, in the order in which the documents show them.
 *
 * @param title the heading in the documents
 */
public record Section(String title, List<Setting<?>> settings) {
    public Section {
        settings = List.copyOf(settings);
    }

    /** Returns the names that can be set: those of the settings, and the {@code _FILE} forms of the secrets. */
    public List<String> names() {
        return settings.stream().flatMap(Setting::names).toList();
    }
}
