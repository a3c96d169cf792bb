package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** What the files in {@code conf/} say about the server is so, and they agree with each other. */
class DeploymentFilesTest {
    private static final Path CONF = Path.of("conf");

    private final Node deployment = kubernetes("Deployment");
    private final Node container =
            deployment.at("spec", "template", "spec").list("containers").get(0);

    /** A place in a YAML document. */
    private record Node(Object value) {
        Node at(String... path) {
            Object here = value;
            for (String name : path) {
                here = Objects.requireNonNull(((Map<?, ?>) here).get(name), name);
            }
            return new Node(here);
        }

        List<Node> list(String name) {
            var nodes = new ArrayList<Node>();
            ((List<?>) at(name).value()).forEach(item -> nodes.add(new Node(item)));
            return nodes;
        }

        int number(String... path) {
            return Integer.parseInt(text(path));
        }

        String text(String... path) {
            return at(path).value().toString();
        }
    }

    private static Iterable<Object> documents(String file) {
        try {
            return new Yaml(new SafeConstructor(new LoaderOptions())).loadAll(Files.readString(CONF.resolve(file)));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Node kubernetes(String kind) {
        for (Object document : documents("kubernetes.yaml")) {
            var node = new Node(document);
            if (node.text("kind").equals(kind)) {
                return node;
            }
        }
        throw new AssertionError("There is no " + kind);
    }

    private static Node composeServer() {
        return new Node(documents("compose.yaml").iterator().next()).at("x-license-server");
    }

    /** The setting with which a server is run behind the load balancer. */
    static String delayInCompose() {
        return composeServer().text("environment", "SHUTDOWN_DELAY_SECONDS");
    }

    private Map<String, String> environment() {
        var environment = new HashMap<String, String>();
        container.list("env").forEach(variable -> environment.put(variable.text("name"), variable.text("value")));
        return environment;
    }

    @Test
    void kubernetes_sets_what_there_is_to_set() {
        assertThat(environment().keySet()).allMatch(DeploymentFilesTest::isSetting);
        assertThat(environment()).containsKeys("ADMIN_SECRET_FILE", "REDIS_URL_FILE");
        String mounted = container.list("volumeMounts").get(0).text("mountPath");
        assertThat(environment().get("ADMIN_SECRET_FILE")).isEqualTo(mounted + "/admin-secret");
        assertThat(environment().get("REDIS_URL_FILE")).isEqualTo(mounted + "/redis-url");
        assertThat(container.list("ports").get(0).text("containerPort"))
                .isEqualTo(environment().get("PORT"));
    }

    private static boolean isSetting(String name) {
        return Configuration.SECTIONS.stream()
                .anyMatch(section -> section.names().contains(name));
    }

    @Test
    void kubernetes_gives_a_stop_the_time_it_may_take() {
        List<?> preStop = (List<?>)
                container.at("lifecycle", "preStop", "exec", "command").value();
        assertThat(preStop.get(0)).isEqualTo("sleep");
        int longest = Integer.parseInt(preStop.get(1).toString())
                + Integer.parseInt(environment().get("SHUTDOWN_DELAY_SECONDS"))
                + Integer.parseInt(environment().get("SHUTDOWN_TIMEOUT_SECONDS"));
        assertThat(deployment.number("spec", "template", "spec", "terminationGracePeriodSeconds"))
                .isGreaterThan(longest);
    }

    @Test
    void kubernetes_asks_for_readiness_where_calls_hang_on_it_and_for_life_where_restarts_do() {
        assertThat(container.text("readinessProbe", "httpGet", "path")).isEqualTo("/readyz");
        assertThat(container.text("livenessProbe", "httpGet", "path")).isEqualTo("/livez");
        assertThat(container.text("startupProbe", "httpGet", "path")).isEqualTo("/livez");
    }

    @Test
    void kubernetes_selects_the_pods_that_it_makes() {
        Object labels = deployment.at("spec", "template", "metadata", "labels").value();
        assertThat(deployment.at("spec", "selector", "matchLabels").value()).isEqualTo(labels);
        assertThat(kubernetes("Service").at("spec", "selector").value()).isEqualTo(labels);
        assertThat(kubernetes("PodDisruptionBudget")
                        .at("spec", "selector", "matchLabels")
                        .value())
                .isEqualTo(labels);
    }

    @Test
    void kubernetes_runs_it_with_no_right_that_it_does_not_need() throws IOException {
        String user = deployment.text("spec", "template", "spec", "securityContext", "runAsUser");
        assertThat(Files.readString(Path.of("Dockerfile"))).contains("USER " + user + ":");
        assertThat(deployment
                        .at("spec", "template", "spec", "securityContext", "runAsNonRoot")
                        .value())
                .isEqualTo(true);
        assertThat(container.at("securityContext").value())
                .isEqualTo(Map.of(
                        "allowPrivilegeEscalation",
                        false,
                        "readOnlyRootFilesystem",
                        true,
                        "capabilities",
                        Map.of("drop", List.of("ALL"))));
    }

    @Test
    void compose_gives_a_stop_the_time_it_may_take_and_the_load_balancer_the_time_to_notice() throws IOException {
        Node server = composeServer();
        int delay = Integer.parseInt(delayInCompose());
        int grace = Integer.parseInt(server.text("stop_grace_period").replace("s", ""));
        assertThat(grace).isGreaterThan(delay + server.number("environment", "SHUTDOWN_TIMEOUT_SECONDS"));
        Matcher checks = Pattern.compile("default-server check inter (\\d+)s fall (\\d+) ")
                .matcher(Files.readString(CONF.resolve("haproxy.cfg")));
        assertThat(checks.find()).isTrue();
        assertThat(delay).isGreaterThan(Integer.parseInt(checks.group(1)) * Integer.parseInt(checks.group(2)));
    }
}
