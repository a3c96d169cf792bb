package licenseserver.redis;

import java.nio.charset.StandardCharsets;

/** Computes which slot of a Redis Cluster a key lies in. */
final class ClusterSlot {
    static final int COUNT = 16_384;

    private ClusterSlot() {}

    /** The slot of a key. If the key has braces, the text inside the first pair decides. */
    static int of(String key) {
        int open = key.indexOf('{');
        int close = open < 0 ? -1 : key.indexOf('}', open);
        String hashed = close > open + 1 ? key.substring(open + 1, close) : key;
        int remainder = 0;
        for (byte next : hashed.getBytes(StandardCharsets.UTF_8)) {
            // CRC-16/XMODEM
            remainder ^= (next & 0xff) << 8;
            for (int bit = 0; bit < 8; bit++) {
                remainder = (remainder & 0x8000) == 0 ? remainder << 1 : (remainder << 1) ^ 0x1021;
            }
            remainder &= 0xffff;
        }
        return remainder % COUNT;
    }
}
