package licenseserver.access;

import io.vertx.core.Future;
import io.vertx.core.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import licenseserver.http.Access;
import licenseserver.http.Call;
import licenseserver.http.RefusedException;
import licenseserver.http.Reply;
import org.jspecify.annotations.Nullable;

/** Admits the calls of those who know the admin secret. */
public final class AdminSecret implements Access {
    private static final Future<Void> UNAUTHORIZED =
            Future.failedFuture(new RefusedException(Reply.refusal(401, "Unauthorized")));

    private final byte[] expectedHeader;

    /** A secret of at least one character. */
    public AdminSecret(String secret) {
        if (secret.isEmpty()) {
            throw new IllegalArgumentException("An empty admin secret would authorize everyone");
        }
        this.expectedHeader = ("Bearer " + secret).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Future<Void> admit(Call call) {
        return authorizes(call.header(HttpHeaders.AUTHORIZATION)) ? Future.succeededFuture() : UNAUTHORIZED;
    }

    @Override
    public String who() {
        return "admin";
    }

    /** Whether an {@code Authorization} header is exactly {@code Bearer <secret>}; takes as long for any that is wrong. */
    boolean authorizes(@Nullable String header) {
        return header != null && MessageDigest.isEqual(expectedHeader, header.getBytes(StandardCharsets.UTF_8));
    }
}
