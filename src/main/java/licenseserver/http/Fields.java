package licenseserver.http;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request's body. The body is read strictly: it must be one JSON object in UTF-8 with nothing after
 * it, no field may appear twice, and nesting may be no deeper than {@value #MAX_DEPTH} levels. A field is absent,
 * null, or a value. A value of the wrong type is refused with a sentence that names the field, unless the contract
 * counts it as missing ({@link #text}).
 */
public final class Fields {
    public static final int MAX_DEPTH = 32;

    /** Windows shells put one before the JSON. */
    private static final char BYTE_ORDER_MARK = '\ufeff';

    private static final int LONGEST_NAME_SHOWN = 60;

    private static final JsonFactory STRICT = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(RequestBodies.MAX_BYTES)
                    .build())
            .build();

    /** A value that no call takes: an array, or a number that is not an integer of 64 bits. */
    private static final Object OTHER = new Object();

    /** The text of an object, exactly as it is in the body. */
    private record RawObject(String json) {}

    /** By name: a String, a Long, a Boolean, a RawObject, OTHER, or null for JSON's null. */
    private final Map<String, @Nullable Object> values;

    private final Buffer body;

    private Fields(Map<String, @Nullable Object> values, Buffer body) {
        this.values = values;
        this.body = body;
    }

    /** Returns the body, to the byte. */
    public Buffer body() {
        return body;
    }

    /**
     * Reads a body.
     *
     * @throws RefusedException if it is not JSON, or not a JSON object
     */
    public static Fields parse(Buffer body) {
        Map<String, @Nullable Object> plain = PlainObject.read(body.getBytes());
        return new Fields(plain == null ? readStrictly(body) : plain, body);
    }

    /** Returns what {@link #values} holds, by the strict parser; refuses like {@link #parse}. */
    public static Map<String, @Nullable Object> readStrictly(Buffer body) {
        try {
            char[] text = decode(body);
            try (JsonParser json = STRICT.createParser(text)) {
                var values = new HashMap<String, @Nullable Object>();
                JsonToken first = json.nextToken();
                if (first == JsonToken.START_OBJECT) {
                    while (json.nextToken() == JsonToken.FIELD_NAME) {
                        values.put(json.currentName(), value(json, text));
                    }
                } else if (first != null) {
                    json.skipChildren();
                }
                if (first == null || json.nextToken() != null) {
                    throw new RefusedException(Reply.INVALID_JSON);
                }
                if (first != JsonToken.START_OBJECT) {
                    throw new RefusedException(Reply.NO_OBJECT);
                }
                return values;
            }
        } catch (IOException invalid) {
            throw new RefusedException(Reply.INVALID_JSON);
        }
    }

    private static @Nullable Object value(JsonParser json, char[] text) throws IOException {
        return switch (json.nextToken()) {
            case VALUE_STRING -> json.getText();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            case VALUE_NUMBER_INT ->
                json.getNumberType() == JsonParser.NumberType.BIG_INTEGER ? OTHER : (Object) json.getLongValue();
            case START_OBJECT -> {
                int start = (int) json.currentTokenLocation().getCharOffset();
                json.skipChildren();
                int end = (int) json.currentLocation().getCharOffset();
                yield new RawObject(new String(text, start, end - start));
            }
            default -> {
                json.skipChildren();
                yield OTHER;
            }
        };
    }

    /** The parser would guess the encoding, and repair text that is not UTF-8. This does neither. */
    private static char[] decode(Buffer body) throws CharacterCodingException {
        CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body.getBytes()));
        if (text.hasRemaining() && text.get(text.position()) == BYTE_ORDER_MARK) {
            text.get();
        }
        char[] characters = new char[text.remaining()];
        text.get(characters);
        return characters;
    }

    /**
     * Returns the text of a field; null if the field is missing. A field that is null, empty or not a string counts
     * as missing.
     */
    @Nullable
    public String text(String name) {
        return values.get(name) instanceof String text && !text.isEmpty() ? text : null;
    }

    /** Returns whether the field is present, even if it is null. */
    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** Returns whether the field is exactly {@code true}. */
    public boolean isTrue(String name) {
        return Boolean.TRUE.equals(values.get(name));
    }

    /** Returns a field that must be true or false. */
    public boolean choice(String name) {
        if (values.get(name) instanceof Boolean choice) {
            return choice;
        }
        throw refused(name, "must be true or false");
    }

    /** Returns a whole number from {@code min} to {@code max}, both included; null if the field is absent or null. */
    @Nullable
    public Long integer(String name, long min, long max) {
        Object value = values.get(name);
        if (value == null || (value instanceof Long number && number >= min && number <= max)) {
            return (Long) value;
        }
        throw refused(name, "must be a whole number from " + min + " to " + max);
    }

    /**
     * Returns a text of 1 to {@code maxLength} characters without control characters; null if the field is absent or
     * null.
     */
    @Nullable
    public String line(String name, int maxLength) {
        return text(name, maxLength, Fields::isPrintable, " without control characters");
    }

    /** Returns a text of 1 to {@code maxLength} characters; null if the field is absent or null. */
    @Nullable
    public String prose(String name, int maxLength) {
        return text(name, maxLength, Fields::isStorable, "");
    }

    /** Half of a surrogate pair could not be stored and found again. */
    private static boolean isStorable(String text) {
        return text.codePoints().noneMatch(each -> Character.getType(each) == Character.SURROGATE);
    }

    private static boolean isPrintable(String text) {
        return isStorable(text) && text.chars().noneMatch(Character::isISOControl);
    }

    private @Nullable String text(String name, int maxLength, Predicate<String> holds, String otherwise) {
        Object value = values.get(name);
        if (value == null) {
            return null;
        }
        if (value instanceof String text && !text.isEmpty() && text.length() <= maxLength && holds.test(text)) {
            return text;
        }
        throw refused(name, "must be text of 1 to " + maxLength + " characters" + otherwise);
    }

    /** Returns the JSON text of an object of at most {@code maxBytes} bytes; null if the field is absent or null. */
    @Nullable
    public String object(String name, int maxBytes) {
        Object value = values.get(name);
        if (value == null) {
            return null;
        }
        if (value instanceof RawObject object && object.json().getBytes(StandardCharsets.UTF_8).length <= maxBytes) {
            return object.json();
        }
        throw refused(name, "must be a JSON object of at most " + maxBytes + " bytes");
    }

    /**
     * Refuses the call if it has a field that is not among these.
     *
     * @throws RefusedException with a sentence that names the field
     */
    public void allowOnly(Set<String> names) {
        for (String name : values.keySet()) {
            if (!names.contains(name)) {
                String shown = name.length() <= LONGEST_NAME_SHOWN ? name : name.substring(0, LONGEST_NAME_SHOWN) + "…";
                throw new RefusedException(Reply.refusal(400, "Unknown field: " + shown));
            }
        }
    }

    public static RefusedException refused(String name, String why) {
        return new RefusedException(Reply.refusal(400, name + " " + why));
    }
}
