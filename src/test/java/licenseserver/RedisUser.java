package licenseserver;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A user of Redis that has the rights that docs/redis.md says are enough, and no others. */
final class RedisUser {
    /** As it stands in a URL, before the {@code @}. */
    static final String LOGIN = "licenses:password";

    private static final Pattern RIGHT = Pattern.compile("[~+][^`\\s]+");

    private RedisUser() {}

    /** Creates the user, also for the time after the next start. */
    static void create(RedisProcess redis) {
        var command = new ArrayList<>(List.of("ACL", "SETUSER", "licenses", "reset", "on", ">password"));
        command.addAll(rights());
        redis.tell(command.toArray(String[]::new));
        redis.tell("CONFIG", "REWRITE");
    }

    /** The rights that the page lists, as ACL SETUSER takes them: patterns of keys, and commands. */
    static List<String> rights() {
        try {
            String page = Files.readString(Path.of("docs", "redis.md"));
            int start = page.indexOf("## The rights that the server needs");
            Matcher right = RIGHT.matcher(page.substring(start, page.indexOf("\n## ", start)));
            return right.results().map(found -> found.group()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
