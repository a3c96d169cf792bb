package licenseserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import licenseserver.redis.RedisRight;
import org.junit.jupiter.api.Test;

/** The rights that docs/redis.md tells the operator to grant are those that the capabilities need. */
class RightsTest {
    private static final String IDENTITY = "store-identity*";

    /** What connections, transactions, topologies and the checkup need, whatever is kept in Redis. */
    private static final List<String> OF_REDIS_ITSELF = List.of(
            "+watch",
            "+unwatch",
            "+multi",
            "+exec",
            "+discard",
            "+ping",
            "+hello",
            "+select",
            "+wait",
            "+role",
            "+cluster|slots",
            "+cluster|nodes",
            "+cluster|info",
            "+asking",
            "+info",
            "+time",
            "+config|get",
            "+scan");

    /** The rights of all capabilities, and those to the identity of the store. */
    static List<RedisRight> declared() {
        return Stream.concat(
                        Stream.of(RedisRight.of(IDENTITY, "GET"), RedisRight.of(IDENTITY, "SET")),
                        Wiring.contents(TestServer.config("redis://unused", "NEAR_CACHE", "true")).stream()
                                .flatMap(content -> content.rights().stream()))
                .toList();
    }

    private static String command(RedisRight right) {
        String subcommand = right.namesKey() ? "" : "|" + right.arguments().get(0);
        return ("+" + right.command() + subcommand).toLowerCase(Locale.ROOT);
    }

    @Test
    void the_page_lists_the_rights_that_are_needed_and_no_others() {
        // Braces decide only where a key lies in a cluster, so the page does not mention them.
        Stream<String> keys =
                declared().stream().map(RedisRight::keys).map(pattern -> "~" + pattern.replaceFirst("\\{.*", "*"));
        Stream<String> commands = declared().stream().map(RightsTest::command);

        assertThat(RedisUser.rights())
                .containsExactlyInAnyOrderElementsOf(Stream.of(keys, commands, OF_REDIS_ITSELF.stream())
                        .flatMap(rights -> rights)
                        .distinct()
                        .toList());
    }
}
