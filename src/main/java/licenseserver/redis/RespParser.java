package licenseserver.redis;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Parses what Redis sends (RESP, versions 2 and 3), however it is cut into pieces.
 *
 * <p>A reply is a String, a Long, a List (a map becomes a list of its keys and values in turn), a {@link Refusal}, a
 * {@link Push}, or null.
 */
final class RespParser {
    /** An error that Redis answers with. The first word of its message is the error code. */
    record Refusal(String message) {
        String code() {
            int space = message.indexOf(' ');
            return space < 0 ? message : message.substring(0, space);
        }
    }

    /** A message that Redis sends on its own, between the replies. */
    record Push(List<@Nullable Object> content) {}

    /** Redis sent something that cannot be parsed, so nothing after it can be parsed either. */
    static final class ProtocolException extends RuntimeException {
        private static final long serialVersionUID = 1;

        ProtocolException(String message) {
            super(message);
        }
    }

    /** The most bytes or elements of one reply. Values are some kilobytes long, so no reply comes near this. */
    private static final int MAX_LENGTH = 64 * 1024 * 1024;

    private static final int MAX_DEPTH = 8;
    private static final Object INCOMPLETE = new Object();
    private static final byte[] NOTHING = {};

    private byte[] bytes = NOTHING;
    private int position;

    /**
     * Takes the next piece.
     *
     * @param replies is given each reply that is now complete
     * @throws ProtocolException if the bytes cannot be parsed
     */
    void parse(byte[] piece, Consumer<@Nullable Object> replies) {
        bytes = bytes.length == 0 ? piece : joined(bytes, piece);
        int done = 0;
        while (done < bytes.length) {
            position = done;
            Object reply = next(0);
            if (reply == INCOMPLETE) {
                break;
            }
            done = position;
            replies.accept(reply);
        }
        bytes = done == bytes.length ? NOTHING : Arrays.copyOfRange(bytes, done, bytes.length);
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private @Nullable Object next(int depth) {
        int start = position;
        int end = lineEnd();
        if (end < 0) {
            return INCOMPLETE;
        }
        position = end + 2;
        return switch (bytes[start]) {
            case '$', '=' -> bulk(length(start + 1, end));
            case '+', ',', '(', '#' -> text(start + 1, end);
            case '-' -> new Refusal(text(start + 1, end));
            case ':' -> number(start + 1, end);
            case '*', '~' -> list(length(start + 1, end), depth);
            case '%' -> list(2 * length(start + 1, end), depth);
            case '>' -> push(length(start + 1, end), depth);
            case '_' -> null;
            default -> throw new ProtocolException("Redis sent what is no reply");
        };
    }

    /** Where the line at the position ends; negative if its end has not arrived yet. */
    private int lineEnd() {
        for (int i = position; i + 1 < bytes.length; i++) {
            if (bytes[i] == '\r' && bytes[i + 1] == '\n') {
                return i;
            }
        }
        return -1;
    }

    private @Nullable Object bulk(int length) {
        if (length < 0) {
            return null;
        }
        if (bytes.length - position < length + 2) {
            return INCOMPLETE;
        }
        String content = text(position, position + length);
        position += length + 2;
        return content;
    }

    private @Nullable Object list(int length, int depth) {
        if (length < 0) {
            return null;
        }
        if (depth == MAX_DEPTH) {
            throw new ProtocolException("Redis sent lists that are too deep");
        }
        var elements = new ArrayList<@Nullable Object>();
        for (int i = 0; i < length; i++) {
            Object element = next(depth + 1);
            if (element == INCOMPLETE) {
                return INCOMPLETE;
            }
            elements.add(element);
        }
        return elements;
    }

    @SuppressWarnings("unchecked")
    private Object push(int length, int depth) {
        Object content = list(length, depth);
        return content instanceof List<?> list ? new Push((List<@Nullable Object>) list) : INCOMPLETE;
    }

    private String text(int start, int end) {
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }

    private int length(int start, int end) {
        long length = number(start, end);
        if (length < -1 || length > MAX_LENGTH) {
            throw new ProtocolException("Redis sent a length that cannot be");
        }
        return (int) length;
    }

    private long number(int start, int end) {
        boolean negative = start < end && bytes[start] == '-';
        int first = negative ? start + 1 : start;
        long number = 0;
        for (int i = first; i < end; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                throw new ProtocolException("Redis sent a number that is none");
            }
            number = number * 10 + bytes[i] - '0';
        }
        return negative ? -number : number;
    }
}
