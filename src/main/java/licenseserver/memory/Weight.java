package licenseserver.memory;

import org.jspecify.annotations.Nullable;

/** The sizes of objects on the heap in bytes, with the compressed references that every heap below 32 GB has. */
public final class Weight {
    /** An entry of a map, with its part of the table. */
    public static final int MAP_ENTRY = 48;

    /** An instant. */
    public static final int INSTANT = 24;

    /** A string's object, and the header of the array with its characters, rounded up. */
    private static final int STRING = 48;

    private Weight() {}

    /** Returns the size of a text that nothing else refers to; 0 if it is null or empty. */
    public static long of(@Nullable String text) {
        if (text == null || text.isEmpty()) {
            return 0;
        }
        return STRING + (long) text.length() * bytesForEach(text);
    }

    /** A single character above U+00FF makes all characters of the string take two bytes. */
    private static int bytesForEach(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) > 0xFF) {
                return 2;
            }
        }
        return 1;
    }
}
