package licenseserver.access;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import org.jspecify.annotations.Nullable;

/** The secret that admin calls are made with. */
public final class AdminSecret {
    private final byte[] expectedHeader;

    /** A secret of at least one character. */
    public AdminSecret(String secret) {
        if (secret.isEmpty()) {
            throw new IllegalArgumentException("An empty admin secret would authorize everyone");
        }
        this.expectedHeader = ("Bearer " + secret).getBytes(StandardCharsets.UTF_8);
    }

    /** Whether an {@code Authorization} header is exactly {@code Bearer <secret>}; takes as long for any that is wrong. */
    public boolean authorizes(@Nullable String header) {
        return header != null && MessageDigest.isEqual(expectedHeader, header.getBytes(StandardCharsets.UTF_8));
    }
}
