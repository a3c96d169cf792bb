package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import licenseserver.access.AccessSettings;
import licenseserver.api.LicenseCalls;
import licenseserver.api.LicenseSettings;
import licenseserver.capability.Capability;
import licenseserver.config.ConfigException;
import licenseserver.config.Setting;
import licenseserver.health.Health;
import licenseserver.http.HttpSettings;
import licenseserver.license.Policy;
import licenseserver.redis.RedisNode;
import licenseserver.redis.RedisSettings;
import licenseserver.redis.embedded.EmbeddedSettings;
import licenseserver.store.HistorySettings;
import licenseserver.store.StoreSettings;
import licenseserver.welcome.Welcome;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTest {
    private static final String URL = "redis://:hidden-password@redis.example:6379/1";

    @TempDir
    Path folder;

    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void readNoFileOfTheWorkingDirectory() throws IOException {
        file();
    }

    private static List<Capability> capabilities(LicenseSettings licenses) {
        return List.of(new LicenseCalls(licenses), new Health(Version.text()), new Welcome());
    }

    @Nested
    class Defaults {
        @Test
        void are_those_of_every_setting_that_is_not_set() {
            assertThat(Configuration.load(environment))
                    .isEqualTo(new Configuration(
                            new HttpSettings(
                                    "0.0.0.0", 8080, "*", List.of(), Duration.ofSeconds(75), Duration.ofSeconds(10)),
                            new AccessSettings(null),
                            null,
                            Duration.ofMillis(1500),
                            new EmbeddedSettings(Path.of("data")),
                            new StoreSettings(new HistorySettings(200, null, null), false, Duration.ZERO),
                            new ShutdownSettings(Duration.ZERO, Duration.ofSeconds(10)),
                            capabilities(new LicenseSettings(3, Policy.NONE))));
        }

        @Test
        void hold_for_an_empty_variable() {
            names().forEach(name -> environment.put(name, ""));

            assertThat(Configuration.load(environment))
                    .isEqualTo(Configuration.load(Map.of("CONFIG_FILE", configFile())));
        }

        @Test
        void hold_where_no_file_is_named() {
            environment.put("CONFIG_FILE", "");
            environment.put("PORT", "1234");

            assertThat(Configuration.load(environment).http().port()).isEqualTo(1234);
        }
    }

    @Nested
    class Declaration {
        /** Keeps the names that were asked for. */
        private static final class Asked extends HashMap<String, String> {
            private final Set<String> names = new HashSet<>();

            @Override
            public String getOrDefault(Object name, String otherwise) {
                names.add(name.toString());
                return super.getOrDefault(name, otherwise);
            }
        }

        @Test
        void is_read_for_every_setting() {
            var asked = new Asked();
            asked.putAll(environment);

            Configuration.load(asked);

            assertThat(asked.names)
                    .containsAll(names())
                    .hasSize(names().size() + 1)
                    .contains("CONFIG_FILE");
        }

        @Test
        void has_a_name_of_its_own() {
            assertThat(names()).doesNotHaveDuplicates();
        }
    }

    @Nested
    class Environment {
        @Test
        void sets_every_setting() {
            environment.putAll(Map.of(
                    "HOST", "127.0.0.1",
                    "PORT", "0",
                    "REDIS_URL", URL,
                    "ADMIN_SECRET", "s3cret",
                    "MAX_MACHINES", "5",
                    "DATA_DIR", "elsewhere",
                    "CORS_ORIGIN", "https://shop.example",
                    "HISTORY_SECRET", "the secret of this year",
                    "HISTORY_SECRET_PREVIOUS", "the secret of last year"));
            environment.putAll(Map.of(
                    "IDLE_DAYS", "6",
                    "NEW_MACHINES_PER_30_DAYS", "7",
                    "HISTORY_EVENTS", "8",
                    "IDLE_TIMEOUT_SECONDS", "1",
                    "BODY_TIMEOUT_SECONDS", "2",
                    "REDIS_TIMEOUT_MILLIS", "30",
                    "NEAR_CACHE", "true",
                    "VALIDATE_STALE_SECONDS", "9",
                    "SHUTDOWN_DELAY_SECONDS", "3",
                    "SHUTDOWN_TIMEOUT_SECONDS", "4"));

            assertThat(Configuration.load(environment))
                    .isEqualTo(new Configuration(
                            new HttpSettings(
                                    "127.0.0.1",
                                    0,
                                    "https://shop.example",
                                    List.of(),
                                    Duration.ofSeconds(1),
                                    Duration.ofSeconds(2)),
                            new AccessSettings("s3cret"),
                            RedisSettings.of(URL),
                            Duration.ofMillis(30),
                            new EmbeddedSettings(Path.of("elsewhere")),
                            new StoreSettings(
                                    new HistorySettings(8, "the secret of this year", "the secret of last year"),
                                    true,
                                    Duration.ofSeconds(9)),
                            new ShutdownSettings(Duration.ofSeconds(3), Duration.ofSeconds(4)),
                            capabilities(new LicenseSettings(5, new Policy(6, 7)))));
        }

        @Test
        void may_hold_other_variables() {
            environment.put("PATH", "/bin");
            environment.put("LICENSE", "x");

            assertThat(Configuration.load(environment).http().port()).isEqualTo(8080);
        }

        @Test
        void wins_over_the_file() throws IOException {
            file("PORT=1111", "MAX_MACHINES=7");
            environment.put("PORT", "2222");

            assertThat(Configuration.load(environment).http().port()).isEqualTo(2222);
            assertThat(Configuration.load(environment).capabilities())
                    .isEqualTo(capabilities(new LicenseSettings(7, Policy.NONE)));
        }

        @Test
        void does_not_win_where_it_is_empty() throws IOException {
            file("PORT=1111");
            environment.put("PORT", "");

            assertThat(Configuration.load(environment).http().port()).isEqualTo(1111);
        }
    }

    @Nested
    class ConfigurationFile {
        @Test
        void has_one_setting_a_line() throws IOException {
            file(
                    "# comment",
                    "",
                    "  # another",
                    "   ",
                    "PORT=1111",
                    " CORS_ORIGIN = https://shop.example/?a=b ",
                    "HOST=");

            Configuration configuration = Configuration.load(environment);

            assertThat(configuration.http().port()).isEqualTo(1111);
            assertThat(configuration.http().corsOrigin()).isEqualTo("https://shop.example/?a=b");
            assertThat(configuration.http().host()).isEqualTo("0.0.0.0");
        }

        @Test
        void may_hold_every_setting_with_its_default() throws IOException {
            String[] lines = Files.readAllLines(Path.of("conf", "license-server.env")).stream()
                    .filter(line -> line.matches("#[A-Z0-9_]+=.*"))
                    .map(line -> line.substring(1))
                    .toArray(String[]::new);
            assertThat(lines).hasSameSizeAs(settings());
            file(lines);
            Configuration configuration = Configuration.load(environment);
            file();

            assertThat(configuration).isEqualTo(Configuration.load(environment));
        }

        @Test
        void is_refused_with_a_setting_that_does_not_exist() throws IOException {
            file("PORT=1111", "MAX_MACHINE=hidden-value");

            assertRefused("Line 2 of " + configFile() + " has an unknown setting: MAX_MACHINE.");
        }

        @ParameterizedTest
        @ValueSource(strings = {"port", "PORT_FILE", "CONFIG_FILE", "", "export PORT"})
        void is_refused_with_a_name_that_is_not_exact(String name) throws IOException {
            file(name + "=1111");

            assertRefused("Line 1 of " + configFile() + " has an unknown setting: " + name + ".");
        }

        @Test
        void is_refused_with_a_line_without_an_equals_sign() throws IOException {
            file("", "ADMIN_SECRET hidden-value");

            assertRefused("Line 2 of " + configFile() + " is not of the form NAME=value.");
        }

        @Test
        void is_refused_with_a_setting_that_is_there_twice() throws IOException {
            file("PORT=1111", "PORT=1111");

            assertRefused("PORT is set twice in " + configFile() + ".");
        }

        @Test
        void is_refused_where_it_is_not_there() {
            environment.put("CONFIG_FILE", folder.resolve("none.env").toString());

            assertRefused("The configuration file " + folder.resolve("none.env") + " cannot be read.");
        }

        @Test
        void is_refused_where_it_is_a_folder() {
            environment.put("CONFIG_FILE", folder.toString());

            assertRefused("The configuration file " + folder + " cannot be read.");
        }

        @Test
        void is_refused_where_it_is_no_text() throws IOException {
            Files.write(Path.of(configFile()), new byte[] {'P', (byte) 0xff, '=', '1'});

            assertRefused("The configuration file " + configFile() + " cannot be read.");
        }
    }

    @Nested
    class WholeNumber {
        @ParameterizedTest
        @CsvSource({
            "PORT, 0, 65535",
            "MAX_MACHINES, 1, 10000",
            "IDLE_DAYS, 0, 36500",
            "NEW_MACHINES_PER_30_DAYS, 0, 10000",
            "HISTORY_EVENTS, 0, 10000",
            "IDLE_TIMEOUT_SECONDS, 1, 3600",
            "BODY_TIMEOUT_SECONDS, 1, 3600",
            "REDIS_TIMEOUT_MILLIS, 10, 10000",
            "SHUTDOWN_DELAY_SECONDS, 0, 3600",
            "SHUTDOWN_TIMEOUT_SECONDS, 1, 3600"
        })
        void is_whole_and_in_range(String name, long min, long max) {
            for (long good : new long[] {min, max}) {
                environment.put(name, Long.toString(good));
                assertThat(Configuration.load(environment)).isNotNull();
            }
            for (String bad : new String[] {
                Long.toString(min - 1), Long.toString(max + 1), "4294967297", "x", "3.0", "1e1", " 3", "3 ", "0x3", "-"
            }) {
                environment.put(name, bad);
                assertRefused(name + " is not a whole number from " + min + " to " + max + ".");
            }
        }
    }

    @Nested
    class Secret {
        @BeforeEach
        void setBoth() {
            environment.put("REDIS_URL", URL);
            environment.put("ADMIN_SECRET", "s3cret");
        }

        @ParameterizedTest
        @ValueSource(strings = {"s3cret", "s3cret\n", " s3cret \r\n"})
        void is_read_from_a_file_of_its_own(String content) throws IOException {
            environment.remove("ADMIN_SECRET");
            environment.put("ADMIN_SECRET_FILE", secretFile("admin", content));

            assertThat(Configuration.load(environment).access().adminSecret()).isEqualTo("s3cret");
        }

        @Test
        void is_read_from_a_file_that_the_configuration_file_names() throws IOException {
            environment.remove("REDIS_URL");
            file("REDIS_URL_FILE=" + secretFile("url", URL + "\n"));

            assertThat(Configuration.load(environment).redis()).isEqualTo(RedisSettings.of(URL));
        }

        @Test
        void of_the_environment_wins_over_one_of_the_file_in_either_form() throws IOException {
            file("ADMIN_SECRET=of-the-file", "REDIS_URL_FILE=" + folder.resolve("none"));
            environment.remove("ADMIN_SECRET");
            environment.put("ADMIN_SECRET_FILE", secretFile("admin", "of-the-environment"));

            Configuration configuration = Configuration.load(environment);

            assertThat(configuration.access().adminSecret()).isEqualTo("of-the-environment");
            assertThat(configuration.redis()).isEqualTo(RedisSettings.of(URL));
        }

        @ParameterizedTest
        @ValueSource(strings = {"ADMIN_SECRET", "REDIS_URL"})
        void is_refused_where_both_forms_are_set(String name) throws IOException {
            environment.put(name + "_FILE", secretFile("both", "hidden-value"));

            assertRefused(name + " and " + name + "_FILE are both set; set one.");
        }

        @Test
        void is_refused_where_its_file_is_not_there() {
            environment.remove("ADMIN_SECRET");
            environment.put("ADMIN_SECRET_FILE", folder.resolve("none").toString());

            assertRefused("ADMIN_SECRET_FILE names a file that cannot be read: " + folder.resolve("none") + ".");
        }

        @Test
        void is_refused_where_its_file_is_empty() throws IOException {
            environment.remove("ADMIN_SECRET");
            environment.put("ADMIN_SECRET_FILE", secretFile("empty", " \n"));

            assertRefused("ADMIN_SECRET_FILE names an empty file: " + folder.resolve("empty") + ".");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"hidden value", "hidden\tvalue", "hidden\nvalue", "hidden\u00a0", "geheim\u00e4", " hidden"})
        void is_refused_where_no_header_could_carry_it(String secret) {
            environment.put("ADMIN_SECRET", secret);

            assertRefused(
                    "ADMIN_SECRET holds a character that a header cannot carry; use visible ASCII without spaces.");
        }

        @Test
        void is_not_shown() {
            environment.putAll(Map.of(
                    "REDIS_URL", "redis://:hidden-password@one",
                    "REDIS_TOPOLOGY", "sentinel",
                    "REDIS_SENTINEL_MASTER", "m",
                    "REDIS_SENTINEL_PASSWORD", "hidden-sentinel",
                    "ADMIN_SECRET", "hidden-secret",
                    "HISTORY_SECRET", "hidden-history-secret",
                    "HISTORY_SECRET_PREVIOUS", "hidden-previous-secret"));

            assertThat(Configuration.load(environment).toString())
                    .contains("RedisSettings", "AccessSettings")
                    .doesNotContain("hidden");
        }
    }

    @Nested
    class AdminSecret {
        @Test
        void is_required_with_a_redis_url() {
            environment.put("REDIS_URL", URL);

            assertRefused("ADMIN_SECRET is not set; with a REDIS_URL the server does not make one.");
        }

        @Test
        void may_be_set_without_a_redis_url() {
            environment.put("ADMIN_SECRET", "s3cret");

            assertThat(Configuration.load(environment).access().adminSecret()).isEqualTo("s3cret");
        }
    }

    @Nested
    class HistorySecret {
        @ParameterizedTest
        @ValueSource(strings = {"HISTORY_SECRET", "HISTORY_SECRET_PREVIOUS"})
        void is_refused_if_it_is_short(String name) {
            environment.put(name, "hidden-15-chars");

            assertRefused(name + " is shorter than 16 characters; use a long, random text.");

            environment.put(name, "hidden-16--chars");
            assertThat(Configuration.load(environment)).isNotNull();
        }

        @Test
        void may_hold_any_characters() {
            environment.put("HISTORY_SECRET", "zwölf Zeichen\nund mehr");

            assertThat(Configuration.load(environment).store().history().secret())
                    .isEqualTo("zwölf Zeichen\nund mehr");
        }
    }

    @Nested
    class RedisUrl {
        @BeforeEach
        void setTheAdminSecret() {
            environment.put("ADMIN_SECRET", "s3cret");
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "redis://localhost",
                    "redis://localhost/",
                    "redis://127.0.0.1:6379",
                    "redis://redis.example:1/0",
                    "redis://redis.example:65535/15",
                    "redis://:password@redis.example",
                    "redis://user:p%40ss@redis.example:6379/3",
                    "redis://[::1]:6379"
                })
        void is_that_of_a_redis(String url) {
            environment.put("REDIS_URL", url);

            assertThat(Configuration.load(environment).redis()).isEqualTo(RedisSettings.of(url));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "hidden-password",
                    "redis.example:6379",
                    "http://:hidden-password@redis.example",
                    "redisss://:hidden-password@redis.example",
                    "redis:hidden-password",
                    "redis://",
                    "redis:///hidden-password",
                    "redis://:hidden-password@",
                    "redis://:hidden-password@redis.example/x",
                    "redis://:hidden-password@redis.example/12345",
                    "redis://:hidden-password@redis.example/1/2",
                    "redis://:hidden-password@redis.example:port",
                    "redis://:hidden-password@redis.example:0",
                    "redis://:hidden-password@redis.example:65536",
                    "redis://:hidden-password@redis.example:99999999999",
                    "redis://:hidden password@redis.example",
                    "redis://:hidden-password%@redis.example",
                    "redis://:hidden-pass#word@redis.example",
                    "redis://:hidden-pass/word@redis.example",
                    " redis://:hidden-password@redis.example"
                })
        void is_refused_without_being_quoted_where_it_is_none(String url) {
            environment.put("REDIS_URL", url);

            assertRefused("REDIS_URL is no Redis address: use redis://[[user]:password@]host[:port][/database],"
                    + " rediss:// for TLS, and commas between several host:port.");
        }
    }

    @Nested
    class RedisTopologySettings {
        @BeforeEach
        void setTheAdminSecret() {
            environment.put("ADMIN_SECRET", "s3cret");
        }

        @Test
        void name_sentinels_and_their_master() throws IOException {
            environment.putAll(Map.of(
                    "REDIS_URL", "redis://user:p%40ss+w%25@one,two:26380,[::1]:5/3",
                    "REDIS_TOPOLOGY", "sentinel",
                    "REDIS_SENTINEL_MASTER", "licenses",
                    "REDIS_SENTINEL_PASSWORD_FILE", secretFile("sentinels", "s3ntinel"),
                    "REDIS_REPLICAS_TO_WAIT", "2"));

            assertThat(Configuration.load(environment).redis())
                    .isEqualTo(new RedisSettings(
                            RedisSettings.Kind.SENTINEL,
                            List.of(new RedisNode("one", 26379), new RedisNode("two", 26380), new RedisNode("::1", 5)),
                            false,
                            "user",
                            "p@ss+w%",
                            3,
                            null,
                            "licenses",
                            "s3ntinel",
                            2));
        }

        @Test
        void name_servers_of_a_cluster() {
            environment.putAll(Map.of("REDIS_URL", "rediss://:s3cret@one,two:7000", "REDIS_TOPOLOGY", "cluster"));

            RedisSettings redis =
                    Objects.requireNonNull(Configuration.load(environment).redis());

            assertThat(redis.kind()).isEqualTo(RedisSettings.Kind.CLUSTER);
            assertThat(redis.isEncrypted()).isTrue();
            assertThat(redis.nodes()).containsExactly(new RedisNode("one", 6379), new RedisNode("two", 7000));
            assertThat(redis.toString()).doesNotContain("s3cret");
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', textBlock = """
                REDIS_TOPOLOGY=ring REDIS_URL=redis://one | REDIS_TOPOLOGY is none of standalone, sentinel and cluster.
                REDIS_TOPOLOGY=cluster | REDIS_URL is not set, and the other settings of Redis need it.
                REDIS_REPLICAS_TO_WAIT=1 | REDIS_URL is not set, and the other settings of Redis need it.
                REDIS_URL=redis://:hidden-password@one,two | REDIS_URL names several servers; set REDIS_TOPOLOGY to sentinel or cluster.
                REDIS_TOPOLOGY=cluster REDIS_URL=redis://:hidden-password@one/1 | REDIS_URL names a database, but a Redis Cluster has only database 0.
                REDIS_TOPOLOGY=sentinel REDIS_URL=redis://one | REDIS_SENTINEL_MASTER is not set; with REDIS_TOPOLOGY=sentinel it says what the sentinels call the master.
                REDIS_SENTINEL_MASTER=m REDIS_URL=redis://one | REDIS_SENTINEL_MASTER is set, but REDIS_TOPOLOGY is not sentinel.
                REDIS_SENTINEL_PASSWORD=hidden REDIS_URL=redis://one | REDIS_SENTINEL_PASSWORD is set, but REDIS_TOPOLOGY is not sentinel.
                REDIS_CA_FILE=ca.pem REDIS_URL=redis://one | REDIS_CA_FILE is set, but REDIS_URL does not begin with rediss://.
                REDIS_CA_FILE=/none REDIS_URL=rediss://one | REDIS_CA_FILE names a file that cannot be read: /none.
                REDIS_REPLICAS_TO_WAIT=11 REDIS_URL=redis://one | REDIS_REPLICAS_TO_WAIT is not a whole number from 0 to 10.
                """)
        void are_refused_where_they_do_not_fit(String settings, String sentence) {
            for (String setting : settings.split(" ", -1)) {
                int equals = setting.indexOf('=');
                environment.put(setting.substring(0, equals), setting.substring(equals + 1));
            }

            assertRefused(sentence);
        }

        @Test
        void are_refused_where_the_file_of_certificates_holds_none() throws IOException {
            String file = secretFile("ca", "hidden-value");
            environment.putAll(Map.of("REDIS_URL", "rediss://one", "REDIS_CA_FILE", file));

            assertRefused("REDIS_CA_FILE names a file without certificates: " + file + ".");
        }
    }

    @Nested
    class CorsOrigin {
        @ParameterizedTest
        @ValueSource(strings = {"https://a.example https://b.example", "https://a.example\r\nX: y", "ä"})
        void is_refused_where_no_header_could_carry_it(String origin) {
            environment.put("CORS_ORIGIN", origin);

            assertRefused("CORS_ORIGIN is no origin: use one such as https://example.com, or *.");
        }
    }

    @Nested
    class TrustedProxies {
        private boolean trusts(String setting, String address) {
            environment.put("TRUSTED_PROXIES", setting);
            return Configuration.load(environment).http().trustedProxies().stream()
                    .anyMatch(proxies -> proxies.matches(new InetSocketAddress(address, 1)));
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', textBlock = """
                192.0.2.1           | 192.0.2.1   | 192.0.2.2
                10.0.0.0/8          | 10.255.0.1  | 11.0.0.1
                10.1.2.3/8          | 10.255.0.1  | 11.0.0.1
                10.0.0.1, 10.0.0.3  | 10.0.0.3    | 10.0.0.2
                10.0.0.1,::1        | 0:0::1      | 10.0.0.2
                2001:db8::/32       | 2001:db8::9 | 2001:db9::9
                2001:DB8::1         | 2001:db8::1 | 2001:db8::2
                0.0.0.0/0           | 192.0.2.1   | ::1
                """)
        void are_addresses_and_ranges(String setting, String trusted, String other) {
            assertThat(trusts(setting, trusted)).isTrue();
            assertThat(trusts(setting, other)).isFalse();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "localhost",
                    "proxy.example",
                    "*",
                    "10.0.0.1,",
                    ",10.0.0.1",
                    "10.0.0.1 10.0.0.2",
                    "10.0.0.1;10.0.0.2",
                    "10.0.0.1:80",
                    "10.0.0",
                    "10",
                    "10.0.0.256",
                    "10.0.0.0/33",
                    "10.0.0.0/-1",
                    "10.0.0.0/",
                    "/8",
                    "10.0.0.0/8/8",
                    "10.0.0.0/255.0.0.0",
                    "2001:db8::/129",
                    "::1::",
                    "[::1]",
                    "fe80::1%eth0",
                    "::ffff:10.0.0.0/8"
                })
        void are_refused_if_one_is_neither(String setting) {
            environment.put("TRUSTED_PROXIES", setting);

            assertRefused("TRUSTED_PROXIES is not a list of IP addresses and CIDR ranges; an example is"
                    + " 10.0.0.0/8,192.0.2.1,2001:db8::/32.");
        }
    }

    @Nested
    class NearCache {
        @Test
        void is_required_for_a_stale_yes() {
            environment.put("VALIDATE_STALE_SECONDS", "1");

            assertRefused("VALIDATE_STALE_SECONDS needs what the near cache remembers: set NEAR_CACHE=true, too.");
        }

        @ParameterizedTest
        @ValueSource(strings = {"yes", "1", "TRUE", " true"})
        void is_refused_if_it_is_neither_true_nor_false(String value) {
            environment.put("NEAR_CACHE", value);

            assertRefused("NEAR_CACHE is neither true nor false.");
        }
    }

    private static List<Setting<?>> settings() {
        return Configuration.SECTIONS.stream()
                .<Setting<?>>flatMap(section -> section.settings().stream())
                .toList();
    }

    private static List<String> names() {
        return Configuration.SECTIONS.stream()
                .flatMap(section -> section.names().stream())
                .toList();
    }

    /** Refused with exactly this sentence, which so quotes nothing secret, and without a cause that could. */
    private void assertRefused(String sentence) {
        assertThatThrownBy(() -> Configuration.load(environment))
                .isInstanceOf(ConfigException.class)
                .hasMessage(sentence)
                .hasNoCause();
    }

    private String configFile() {
        return folder.resolve("test.env").toString();
    }

    private void file(String... lines) throws IOException {
        Files.writeString(Path.of(configFile()), String.join("\n", lines));
        environment.put("CONFIG_FILE", configFile());
    }

    private String secretFile(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content).toString();
    }
}
