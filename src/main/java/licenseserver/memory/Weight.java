package licenseserver.memory;

import org.jspecify.annotations.Nullable;

/** What objects take of the heap, in bytes, with the compressed references that every heap below 32 GB has. */
public final class Weight {
    /** A map's entry with its part of the table. */
    public static final int MAP_ENTRY = 48;

    /** A point in time. */
    public static final int INSTANT = 24;

    /** A string's object, and the head of the array that holds its characters, rounded up. */
    private static final int STRING = 48;

    private Weight() {}

    /** A text that nothing else holds; 0 for none or an empty one. */
    public static long of(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return 0;
        }
        return STRING + (long) text.length() * bytesForEach(text);
    }

    /** A single character above U+00FF makes every character of its string take two bytes. */
    private static int bytesForEach(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) > 0xFF) {
                return 2;
            }
        }
        return 1;
    }
}
