package licenseserver.bench;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was measured, as JSON with every round, as a Markdown table of the medians, and as an SVG chart of them. */
final class Report {
    private static final int LABEL_WIDTH = 330;
    private static final int BAR_WIDTH = 330;
    private static final int LINE_HEIGHT = 20;

    private final Map<String, String> conditions = new LinkedHashMap<>();
    private final List<Section> sections = new ArrayList<>();
    private long calls;
    private long errors;

    /**
     * A table.
     *
     * @param charted the column that the chart shows
     * @param rows by name, the rounds of each column by its name
     */
    private record Section(String title, String charted, Map<String, Map<String, List<Double>>> rows) {
        List<String> columns() {
            return rows.values().stream()
                    .flatMap(row -> row.keySet().stream())
                    .distinct()
                    .toList();
        }
    }

    /** Says under what conditions all is measured. */
    void condition(String name, Object value) {
        conditions.put(name, value.toString());
    }

    /** Begins the next table, of which the chart shows one column. */
    void section(String title, String charted) {
        System.out.println("\n" + title);
        sections.add(new Section(title, charted, new LinkedHashMap<>()));
    }

    /** Adds what one round measured to the table that was begun last. */
    void add(String row, String column, double value) {
        System.out.printf(Locale.ROOT, "  %s, %s: %s%n", row, column, number(value));
        sections.get(sections.size() - 1)
                .rows()
                .computeIfAbsent(row, name -> new LinkedHashMap<>())
                .computeIfAbsent(column, name -> new ArrayList<>())
                .add(value);
    }

    /** Counts the calls that were answered, and the wrong answers among them. */
    void count(Result result) {
        calls += result.answers();
        errors += result.errors();
        if (result.example() != null) {
            System.out.printf(
                    "%d wrong answers, for example %s%n",
                    result.errors(), result.example().replaceAll("\\R+", " "));
        }
    }

    boolean hasErrors() {
        return errors > 0;
    }

    /** The value in the middle. */
    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    /** Writes report.json, report.md and report.svg into the folder, and prints the table. */
    void save(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("report.json"), json() + "\n");
        Files.writeString(folder.resolve("report.md"), markdown());
        Files.writeString(folder.resolve("report.svg"), svg());
        System.out.println("\n" + markdown() + "\nSaved in " + folder);
    }

    private String json() {
        var tables = new JsonArray();
        for (Section section : sections) {
            section.rows()
                    .forEach((row, columns) -> columns.forEach((column, rounds) -> tables.add(new JsonObject()
                            .put("table", section.title())
                            .put("row", row)
                            .put("column", column)
                            .put("median", median(rounds))
                            .put("rounds", new JsonArray(rounds)))));
        }
        return new JsonObject()
                .put("conditions", new JsonObject(new LinkedHashMap<String, Object>(conditions)))
                .put("calls", calls)
                .put("errors", errors)
                .put("figures", tables)
                .encodePrettily();
    }

    private String markdown() {
        var text = new StringBuilder();
        conditions.forEach((name, value) ->
                text.append("- ").append(name).append(": ").append(value).append('\n'));
        text.append("- calls: %,d, wrong answers: %,d%n".formatted(calls, errors));
        for (Section section : sections) {
            List<String> columns = section.columns();
            text.append("\n| ").append(section.title()).append(" | ").append(String.join(" | ", columns));
            text.append(" |\n|---|").append("--:|".repeat(columns.size())).append('\n');
            section.rows().forEach((row, values) -> {
                text.append("| ").append(row).append(" |");
                columns.forEach(column -> text.append(' ')
                        .append(values.containsKey(column) ? number(median(values.get(column))) : "")
                        .append(" |"));
                text.append('\n');
            });
        }
        return text.toString();
    }

    private String svg() {
        var bars = new StringBuilder();
        int line = 1;
        for (Section section : sections) {
            line++;
            bars.append(text(10, line++, "font-weight='bold'", section.title() + ": " + section.charted()));
            double longest = section.rows().values().stream()
                    .filter(row -> row.containsKey(section.charted()))
                    .mapToDouble(row -> median(row.get(section.charted())))
                    .max()
                    .orElse(1);
            for (var row : section.rows().entrySet()) {
                List<Double> rounds = row.getValue().get(section.charted());
                if (rounds != null) {
                    long width = Math.round(BAR_WIDTH * median(rounds) / longest);
                    bars.append(text(10, line, "", row.getKey()));
                    bars.append("<rect x='%d' y='%d' width='%d' height='%d' fill='#4a7ebb'/>\n"
                            .formatted(LABEL_WIDTH, line * LINE_HEIGHT - 13, width, LINE_HEIGHT - 5));
                    bars.append(text(LABEL_WIDTH + (int) width + 6, line++, "", number(median(rounds))));
                }
            }
        }
        return """
                <svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='13'>
                <rect width='100%%' height='100%%' fill='white'/>
                %s</svg>
                """.formatted(LABEL_WIDTH + BAR_WIDTH + 90, (line + 1) * LINE_HEIGHT, bars);
    }

    private static String text(int x, int line, String style, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;");
        return "<text x='%d' y='%d' %s>%s</text>\n".formatted(x, line * LINE_HEIGHT, style, escaped);
    }

    private static String number(double value) {
        String format = value >= 1000 ? "%,.0f" : value >= 10 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, format, value);
    }
}
