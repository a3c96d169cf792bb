package licenseserver.http;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the form of JSON that nearly all requests have: an object with a few texts, all in ASCII, without escapes.
 * Returns null for any other body, including a malformed one; then {@link Fields} reads it strictly.
 *
 * <p>It exists beside a real JSON parser because it takes a fifth of the time, which saves a tenth of a validation.
 */
final class PlainObject {
    private static final int MAX_FIELDS = 8;

    private final byte[] json;
    private int position;

    private PlainObject(byte[] json) {
        this.json = json;
    }

    /** Returns the fields by name; null if {@link Fields} must read the body. */
    static @Nullable Map<String, @Nullable Object> read(byte[] json) {
        return new PlainObject(json).read();
    }

    private @Nullable Map<String, @Nullable Object> read() {
        if (!take('{')) {
            return null;
        }
        var fields = new HashMap<String, @Nullable Object>();
        do {
            String name = text();
            if (name == null || !take(':')) {
                return null;
            }
            String value = text();
            if (value == null || fields.put(name, value) != null || fields.size() > MAX_FIELDS) {
                return null;
            }
        } while (take(','));
        return take('}') && isAtEnd() ? fields : null;
    }

    private boolean isAtEnd() {
        skipWhiteSpace();
        return position == json.length;
    }

    private boolean take(char expected) {
        skipWhiteSpace();
        if (position < json.length && json[position] == expected) {
            position++;
            return true;
        }
        return false;
    }

    private void skipWhiteSpace() {
        while (position < json.length
                && (json[position] == ' '
                        || json[position] == '\n'
                        || json[position] == '\r'
                        || json[position] == '\t')) {
            position++;
        }
    }

    private @Nullable String text() {
        if (!take('"')) {
            return null;
        }
        int start = position;
        // Control characters are below the space, and so is everything that is not ASCII, because bytes are signed.
        while (position < json.length && json[position] >= ' ' && json[position] != '"' && json[position] != '\\') {
            position++;
        }
        if (position == json.length || json[position] != '"') {
            return null;
        }
        return new String(json, start, position++ - start, StandardCharsets.ISO_8859_1);
    }
}
