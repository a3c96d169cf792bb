package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Redis that is reached by TLS, with a certificate for {@code localhost} by an authority of its own. */
class TlsIT {
    @TempDir
    private static Path folder;

    private static final int PORT = RedisProcess.freePort();
    private static RedisProcess redis;

    @BeforeAll
    static void start() throws Exception {
        Path store = folder.resolve("store");
        int status = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "redis",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "san=dns:localhost",
                        "-storetype",
                        "PKCS12",
                        "-keystore",
                        store.toString(),
                        "-storepass",
                        "password")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("keytool.log").toFile())
                .start()
                .waitFor();
        assertThat(status).isZero();
        KeyStore keys = KeyStore.getInstance(store.toFile(), "password".toCharArray());
        Path key = pem(
                "PRIVATE KEY", keys.getKey("redis", "password".toCharArray()).getEncoded());
        Path certificate = pem("CERTIFICATE", keys.getCertificate("redis").getEncoded());
        redis = RedisProcess.start(
                "--tls-port",
                String.valueOf(PORT),
                "--tls-cert-file",
                certificate.toString(),
                "--tls-key-file",
                key.toString(),
                "--tls-ca-cert-file",
                certificate.toString(),
                "--tls-auth-clients",
                "no",
                "--requirepass",
                "p@ss word");
    }

    private static Path pem(String type, byte[] content) throws IOException {
        String text = Base64.getMimeEncoder().encodeToString(content);
        return Files.writeString(
                folder.resolve(type), "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
    }

    @AfterAll
    static void stop() {
        redis.close();
    }

    private static String authorities() {
        return folder.resolve("CERTIFICATE").toString();
    }

    @Test
    void serves_with_the_authority_that_is_named() {
        String url = "rediss://:p%40ss%20word@localhost:" + PORT + "/1";
        try (TestServer server = TestServer.startReady(url, "REDIS_CA_FILE", authorities())) {
            String key = server.calls().register(Concurrency.randomEmail());
            assertThat(server.calls().activate(key, "laptop").status()).isEqualTo(200);
            assertThat(server.calls().validate(key, "laptop").succeeded()).isTrue();
        }
    }

    @Test
    void does_not_speak_to_a_server_whose_certificate_names_another_host() {
        assertRefused("rediss://:p%40ss%20word@127.0.0.1:" + PORT, "REDIS_CA_FILE", authorities());
    }

    @Test
    void does_not_speak_to_a_server_of_an_unknown_authority() {
        assertRefused("rediss://:p%40ss%20word@localhost:" + PORT);
    }

    private static void assertRefused(String url, String... settings) {
        try (TestServer server = TestServer.start(url, settings)) {
            HttpCalls calls = server.calls();
            assertThat(calls.validate("K7FH-WP3A-M9QZ-B2CD", "laptop").status()).isEqualTo(503);
            assertThat(calls.activate("K7FH-WP3A-M9QZ-B2CD", "laptop").status()).isEqualTo(503);
            assertThat(calls.get("/readyz").status()).isEqualTo(503);
        }
    }
}
