package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What README.md and docs/ show is what happens. */
class DocumentsIT {
    @TempDir
    Path folder;

    @Test
    void the_quick_start_gives_the_answers_shown() throws Exception {
        try (JarProcess server = JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0"))) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            String commands =
                    block("README.md", "quick start: commands").replace("localhost:8080", "127.0.0.1:" + port);

            assertThat(comparable(run(commands))).isEqualTo(comparable(block("README.md", "quick start: answers")));
        }
    }

    @Test
    void each_task_of_sales_and_support_gives_the_answer_shown() throws Exception {
        try (JarProcess server = JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0"))) {
            int port = server.port();
            Wait.until(
                    "the server is ready",
                    () -> new HttpCalls(port).get("/readyz").status() == 200);
            var commands = new StringBuilder();
            var answers = new StringBuilder();
            Matcher block =
                    Pattern.compile("```(sh|json)\\n(.*?)```", Pattern.DOTALL).matcher(page("docs/selling.md"));
            while (block.find()) {
                (block.group(1).equals("sh") ? commands : answers).append(block.group(2));
            }

            String output = run(commands.toString().replace("localhost:8080", "127.0.0.1:" + port));

            assertThat(comparable(output).lines())
                    .containsExactlyElementsOf(
                            comparable(answers.toString()).lines().toList());
        }
    }

    @Test
    void the_readme_is_one_short_read() throws IOException {
        assertThat(page("README.md").lines()).hasSizeLessThanOrEqualTo(150);
    }

    @Test
    void every_link_within_the_documents_leads_somewhere() throws IOException {
        List<Path> pages = new ArrayList<>(List.of(Path.of("README.md"), Path.of("CONTRIBUTING.md")));
        try (Stream<Path> files = Files.list(Path.of("docs"))) {
            files.filter(file -> file.toString().endsWith(".md")).forEach(pages::add);
        }
        for (Path page : pages) {
            Matcher link =
                    Pattern.compile("]\\((?!https?:)([^)#]*)(?:#([^)]*))?\\)").matcher(Files.readString(page));
            while (link.find()) {
                Path target = link.group(1).isEmpty()
                        ? page
                        : page.resolveSibling(link.group(1)).normalize();
                assertThat(target).as("in %s: %s", page, link.group()).exists();
                if (link.group(2) != null) {
                    assertThat(anchors(target))
                            .as("in %s: %s", page, link.group())
                            .contains(link.group(2));
                }
            }
        }
    }

    /** The names of a page's headings, as GitHub makes them. */
    private static List<String> anchors(Path page) throws IOException {
        return Files.readAllLines(page).stream()
                .filter(line -> line.startsWith("#"))
                .map(line -> line.replaceFirst("^#+ ", "")
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} -]", "")
                        .replace(' ', '-'))
                .toList();
    }

    @Nested
    class Snippets {
        /** What each language is told to print: a call with no key, with one, offline, in a captive portal, and when all is taken. */
        private static final String EXPECTED = "no yes yes yes no";

        private JarProcess server;
        private HttpServer portal;

        @BeforeEach
        void start() throws IOException {
            server = JarProcess.start(folder, Map.of("HOST", "127.0.0.1", "PORT", "0", "MAX_MACHINES", "1"));
            portal = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            portal.createContext("/", exchange -> {
                byte[] page = "<html>Please log in</html>".getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, page.length);
                exchange.getResponseBody().write(page);
                exchange.close();
            });
            portal.start();
        }

        @AfterEach
        void stop() {
            portal.stop(0);
            server.close();
        }

        @Test
        void in_java() throws Exception {
            Files.writeString(
                    folder.resolve("Snippet.java"), "class Snippet {\n" + block("docs/apps.md", "snippet: java") + """
                    static String word(boolean licensed) { return licensed ? "yes " : "no "; }
                    public static void main(String[] arguments) throws Exception {
                        System.setProperty("java.util.prefs.userRoot", arguments[0]);
                        var settings = java.util.prefs.Preferences.userRoot();
                        var words = word(isLicensed(settings, arguments[1]));
                        settings.put("key", arguments[4]);
                        for (int i = 1; i <= 3; i++) words += word(isLicensed(settings, arguments[i]));
                        settings.put("machineId", "another");
                        System.out.println(words + word(isLicensed(settings, arguments[1])));
                    }
                    }
                    """);
            assertThat(output(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "Snippet.java"))
                    .endsWith(EXPECTED);
        }

        @Test
        void in_javascript() throws Exception {
            assumeProgram("node");
            Files.writeString(folder.resolve("snippet.mjs"), block("docs/apps.md", "snippet: javascript") + """
                    const [, , folder, server, offline, portal, key] = process.argv;
                    const kept = new Map();
                    const settings = { get: (name) => kept.get(name), set: (name, value) => kept.set(name, value) };
                    const words = [];
                    const say = async (url) => words.push((await isLicensed(settings, url)) ? "yes" : "no");
                    await say(server);
                    settings.set("key", key);
                    for (const url of [server, offline, portal]) await say(url);
                    settings.set("machineId", "another");
                    await say(server);
                    console.log(words.join(" "));
                    """);
            assertThat(output("node", "snippet.mjs")).endsWith(EXPECTED);
        }

        @Test
        void in_python() throws Exception {
            assumeProgram("python3");
            Files.writeString(folder.resolve("snippet.py"), block("docs/apps.md", "snippet: python") + """
                    import sys
                    _, folder, server, offline, portal, key = sys.argv
                    settings = {}
                    words = []
                    say = lambda url: words.append("yes" if is_licensed(settings, url) else "no")
                    say(server)
                    settings["key"] = key
                    for url in (server, offline, portal):
                        say(url)
                    settings["machineId"] = "another"
                    say(server)
                    print(" ".join(words))
                    """);
            assertThat(output("python3", "snippet.py")).endsWith(EXPECTED);
        }

        private void assumeProgram(String name) {
            assumeThat(Stream.of(System.getenv("PATH").split(":")).map(place -> Path.of(place, name)))
                    .as("%s is installed", name)
                    .anyMatch(Files::isExecutable);
        }

        private String output(String... command) throws Exception {
            var calls = new HttpCalls(server.port());
            Wait.until("the server is ready", () -> calls.get("/readyz").status() == 200);
            String secret =
                    Files.readString(folder.resolve("data/admin-secret")).strip();
            String key = new HttpCalls(server.port(), secret).register("ada@example.com");
            var all = new ArrayList<>(List.of(command));
            all.addAll(List.of(
                    folder.toString(),
                    "http://127.0.0.1:" + server.port(),
                    "http://127.0.0.1:1",
                    "http://127.0.0.1:" + portal.getAddress().getPort(),
                    key));
            return DocumentsIT.this.output(all).strip();
        }
    }

    /** In a POSIX shell, as nobody said which one it would be. */
    private String run(String commands) throws Exception {
        return output(List.of("sh", "-euc", commands));
    }

    private String output(List<String> command) throws Exception {
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return Files.readString(output, StandardCharsets.UTF_8);
    }

    /** Keys and times differ from run to run. */
    private static String comparable(String text) {
        return text.replaceAll("([A-Z2-9]{4}-){3}[A-Z2-9]{4}", "KEY")
                .replaceAll("…[A-Z2-9]{4}", "END OF KEY")
                .replaceAll("\\d{13}", "TIME")
                .replaceAll("\"(hash|after|hmac)\":\"[\\w-]{22}\"", "$1")
                .replaceAll("\"secretId\":\"[0-9a-f]{8}\"", "SECRET ID")
                .strip();
    }

    /** The fenced block below the comment of this name. */
    static String block(String page, String name) throws IOException {
        Matcher matcher = Pattern.compile("<!-- " + name + " -->\\s*```\\w+\\n(.*?)```", Pattern.DOTALL)
                .matcher(page(page));
        assertThat(matcher.find()).as(name).isTrue();
        return matcher.group(1);
    }

    private static String page(String path) throws IOException {
        return Files.readString(Path.of(path));
    }
}
