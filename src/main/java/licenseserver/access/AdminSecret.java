package licenseserver.access;

import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.concurrent.TimeUnit;
import licenseserver.http.Access;
import licenseserver.http.Call;
import licenseserver.http.RefusedException;
import licenseserver.http.Reply;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Admits the calls of those who know the admin secret. */
public final class AdminSecret implements Access {
    private static final Future<Void> UNAUTHORIZED =
            Future.failedFuture(new RefusedException(Reply.refusal(401, "Unauthorized")));

    private static final Logger LOG = LoggerFactory.getLogger(AdminSecret.class);

    /** How often at most the log tells of calls without the right secret. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final byte[] expectedHeader;
    private long untold;
    private long nextLine = System.nanoTime();

    /** Makes a secret, which must have at least one character. */
    public AdminSecret(String secret) {
        if (secret.isEmpty()) {
            throw new IllegalArgumentException("An empty admin secret would authorize everyone");
        }
        this.expectedHeader = ("Bearer " + secret).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Future<Void> admit(Call call) {
        if (authorizes(call.header(HttpHeaders.AUTHORIZATION))) {
            return Future.succeededFuture();
        }
        tell(call);
        return UNAUTHORIZED;
    }

    /** Someone who tries secrets makes one line every ten seconds. */
    private synchronized void tell(Call call) {
        untold++;
        long now = System.nanoTime();
        if (now - nextLine >= 0) {
            LOG.warn(
                    "{} admin calls without the right secret, the last from {}",
                    untold,
                    call.client().getHostAddress());
            untold = 0;
            nextLine = now + PAUSE_NANOS;
        }
    }

    @Override
    public String who() {
        return "admin";
    }

    /**
     * Returns whether an {@code Authorization} header is exactly {@code Bearer <secret>}. Takes equally long for
     * every wrong header.
     */
    boolean authorizes(@Nullable String header) {
        return header != null && MessageDigest.isEqual(expectedHeader, header.getBytes(StandardCharsets.UTF_8));
    }
}
