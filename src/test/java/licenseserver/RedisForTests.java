package licenseserver;

import com.redis.testcontainers.RedisContainer;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.utility.DockerImageName;

/**
 * One Redis for all tests that need nothing special of it: the one at {@code TEST_REDIS_URL}; else a container, if a Docker
 * engine answers; else a process. Tests share it, so each uses keys of its own.
 */
public final class RedisForTests {
    private static final String URL = find();

    private RedisForTests() {}

    public static String url() {
        return URL;
    }

    private static String find() {
        if (RedisProcess.MUST_BE_CARRIED) {
            return RedisProcess.start().url();
        }
        String configured = System.getenv("TEST_REDIS_URL");
        if (configured != null) {
            return configured;
        }
        if (DockerClientFactory.instance().isDockerAvailable()) {
            // Ends with this process: nothing else refers to it.
            @SuppressWarnings("resource")
            var container = new RedisContainer(DockerImageName.parse("redis:7.2-alpine"));
            container.start();
            return container.getRedisURI();
        }
        return RedisProcess.start().url();
    }
}
