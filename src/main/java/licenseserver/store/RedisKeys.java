package licenseserver.store;

import io.vertx.redis.client.Command;
import io.vertx.redis.client.Request;
import io.vertx.redis.client.Response;
import java.util.Optional;
import licenseserver.license.Email;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;

/** What lies where in Redis, and how it is asked for. */
final class RedisKeys {
    private RedisKeys() {}

    /** What the keys of all records begin with. */
    static final String RECORDS = "license:";

    /** The record of a license, see {@link StoredLicense}. */
    static String record(LicenseKey key) {
        return RECORDS + key.value();
    }

    /** The list of a license's events; in the cluster slot of its record, which the braces name. */
    static String history(LicenseKey key) {
        return "events:{license:" + key.value() + "}";
    }

    /** The key of an e-mail's license. Leads there only: whether the license is that e-mail's, its record says. */
    static String index(Email email) {
        return "email:" + email.address();
    }

    static Request command(Command command, String... arguments) {
        Request request = Request.cmd(command);
        for (String argument : arguments) {
            request.arg(argument);
        }
        return request;
    }

    static Optional<String> text(@Nullable Response reply) {
        return Optional.ofNullable(reply).map(Response::toString);
    }
}
