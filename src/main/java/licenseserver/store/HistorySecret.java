package licenseserver.store;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A secret that signs events of histories. Only one thread at a time may use it. */
final class HistorySecret {
    private static final String ALGORITHM = "HmacSHA256";

    private static final int ID_BYTES = 4;

    /** Of the 32 bytes; 16 are enough that nobody guesses the signature of another event. */
    private static final int SIGNATURE_BYTES = 16;

    private final Mac mac;
    private final String id;

    /** A secret of at least one character. */
    HistorySecret(String secret) {
        try {
            mac = Mac.getInstance(ALGORITHM);
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), ALGORITHM));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has " + ALGORITHM, e);
        }
        id = HexFormat.of().formatHex(digest("the id of this secret"), 0, ID_BYTES);
    }

    /** Returns 8 hexadecimal digits that tell which secret this is, but nothing about it. */
    String id() {
        return id;
    }

    /** Returns the signature of a text: 22 characters of Base64. */
    String sign(String text) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest(text), SIGNATURE_BYTES));
    }

    private byte[] digest(String text) {
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}
