package licenseserver.idempotency;

import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A request that its client may repeat. What is stored about its body and its answer can be read, or compared with a
 * guess, only by someone who has both the {@code Idempotency-Key} and the body: the check of the body and the
 * encryption key are derived from the two together (HKDF with HMAC-SHA-256, RFC 5869). The stored name is a digest of
 * the path and the {@code Idempotency-Key} alone, so that another body under the same key is noticed.
 */
public final class IdempotentRequest {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final byte[] SALT = "license-server idempotent request".getBytes(StandardCharsets.US_ASCII);
    private static final String HMAC = "HmacSHA256";
    private static final int TOKEN_BYTES = 16;

    /**
     * The length that AES-GCM expects (NIST SP 800-38D, 5.2.1.1). Nonces are random, which is safe for the few
     * answers to one key.
     */
    private static final int NONCE_BYTES = 12;

    private static final int TAG_BITS = 128;

    private final String name;
    private final String check;
    private final String bodyDigest;
    private final byte[] key;
    private final String token = base64(random(TOKEN_BYTES));

    /**
     * A request.
     *
     * @param path the path of the call
     * @param idempotencyKey the client's name for the request; visible ASCII characters
     * @param body the body, to the byte
     */
    public IdempotentRequest(String path, String idempotencyKey, Buffer body) {
        Buffer named = Buffer.buffer(path + " " + idempotencyKey);
        this.name = base64(digest(named.getBytes()));
        this.bodyDigest = base64(digest(body.getBytes()));
        byte[] secret = hmac(SALT, named.appendString("\n").appendBuffer(body).getBytes());
        this.check = base64(hmac(secret, new byte[] {'c', 1}));
        this.key = hmac(secret, new byte[] {'k', 1});
    }

    /** The name that it is stored under. */
    String name() {
        return name;
    }

    /** Equal for two requests if, and only if, path, {@code Idempotency-Key} and body are equal. */
    String check() {
        return check;
    }

    /** SHA-256 of the body alone, which earlier versions compared. */
    String bodyDigest() {
        return bodyDigest;
    }

    /** Identifies this attempt among all attempts at the same request. */
    String token() {
        return token;
    }

    /** Encrypts text so that only the same request can {@link #open} it. */
    String seal(String text) {
        byte[] nonce = random(NONCE_BYTES);
        byte[] sealed = crypt(Cipher.ENCRYPT_MODE, nonce, text.getBytes(StandardCharsets.UTF_8));
        return base64(Buffer.buffer(nonce).appendBytes(sealed).getBytes());
    }

    /** Returns the text that was sealed. */
    String open(String sealed) {
        byte[] bytes = Base64.getUrlDecoder().decode(sealed);
        byte[] nonce = Arrays.copyOf(bytes, NONCE_BYTES);
        byte[] text = crypt(Cipher.DECRYPT_MODE, nonce, Arrays.copyOfRange(bytes, NONCE_BYTES, bytes.length));
        return new String(text, StandardCharsets.UTF_8);
    }

    private byte[] crypt(int mode, byte[] nonce, byte[] bytes) {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, nonce));
            return cipher.doFinal(bytes);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("A stored answer was changed, or Java lacks AES", e);
        }
    }

    private static byte[] hmac(byte[] key, byte[] text) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            return mac.doFinal(text);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has HMAC-SHA-256", e);
        }
    }

    private static byte[] digest(byte[] text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
    }

    private static byte[] random(int length) {
        byte[] bytes = new byte[length];
        RANDOM.nextBytes(bytes);
        return bytes;
    }

    private static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
