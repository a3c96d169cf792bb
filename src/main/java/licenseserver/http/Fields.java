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
import org.jspecify.annotations.Nullable;

/**
 * The fields of a request's body, read strictly: one JSON object in UTF-8 and nothing after it, no field twice, no deeper
 * than {@value #MAX_DEPTH} levels. Fields that nobody asks for are read over.
 */
final class Fields {
    static final int MAX_DEPTH = 32;

    private static final JsonFactory STRICT = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(RequestBody.MAX_BYTES)
                    .build())
            .build();

    private final Map<String, String> strings;

    private Fields(Map<String, String> strings) {
        this.strings = strings;
    }

    /**
     * Reads a body.
     *
     * @throws RefusedException where it is no JSON, or no JSON object
     */
    static Fields parse(Buffer body) {
        try (JsonParser json = STRICT.createParser(decode(body))) {
            var strings = new HashMap<String, String>();
            JsonToken first = json.nextToken();
            if (first == JsonToken.START_OBJECT) {
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String name = json.currentName();
                    if (json.nextToken() == JsonToken.VALUE_STRING) {
                        strings.put(name, json.getText());
                    } else {
                        json.skipChildren();
                    }
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
            return new Fields(strings);
        } catch (IOException invalid) {
            throw new RefusedException(Reply.INVALID_JSON);
        }
    }

    /** The parser would guess the encoding and mend what is no UTF-8; this does neither. */
    private static char[] decode(Buffer body) throws CharacterCodingException {
        CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body.getBytes()));
        char[] characters = new char[text.remaining()];
        text.get(characters);
        return characters;
    }

    /** The field's text; null where it is missing, which one that is null, empty or no string counts as. */
    @Nullable
    String text(String name) {
        String text = strings.get(name);
        return text == null || text.isEmpty() ? null : text;
    }
}
