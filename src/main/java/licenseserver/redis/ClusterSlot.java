package licenseserver.redis;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Computes which slot of a Redis Cluster a key lies in. */
public final class ClusterSlot {
    /** How many slots a cluster has. */
    public static final int COUNT = 16_384;

    private ClusterSlot() {}

    /** The slot of a key. If the key has braces, the text inside the first pair decides. */
    public static int of(String key) {
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

    /**
     * Finds for each slot a short number that lies in it, so that a key with that number in braces does, too.
     *
     * @return the number of each slot, by slot; made anew each time, which takes a moment
     */
    public static int[] tags() {
        var tags = new int[COUNT];
        Arrays.fill(tags, -1);
        int missing = COUNT;
        for (int tag = 0; missing > 0; tag++) {
            int slot = of(String.valueOf(tag));
            if (tags[slot] < 0) {
                tags[slot] = tag;
                missing--;
            }
        }
        return tags;
    }
}
