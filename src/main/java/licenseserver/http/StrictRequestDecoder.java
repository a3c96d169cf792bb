package licenseserver.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.AsciiString;
import io.vertx.core.http.Http1ServerConfig;
import io.vertx.core.http.impl.http1.VertxHttpRequestDecoder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads requests as Vert.x does, but refuses every head that another server on the way could read differently: with
 * several Host headers or none, with a {@code Transfer-Encoding} other than {@code chunked}, with a folded line, or
 * with a header without a name (RFC 9112, sections 3.2, 5 and 6.1). After a refused head, Netty reads nothing more
 * from the connection, so a request that was smuggled behind it can never reach a handler.
 */
public class StrictRequestDecoder extends VertxHttpRequestDecoder {
    /** The request has another version of HTTP than 1.0 and 1.1. */
    public static final class UnsupportedVersionException extends RuntimeException {
        UnsupportedVersionException() {
            super("Neither HTTP/1.0 nor HTTP/1.1", null, false, false);
        }
    }

    /** Whether a head has begun and is incomplete. */
    private boolean inHead;

    private boolean folded;
    private int hosts;

    /** The input. Its next byte is the first one after the line that was read last. */
    private @Nullable ByteBuf input;

    StrictRequestDecoder() {
        super(new Http1ServerConfig());
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf buffer, List<Object> out) throws Exception {
        input = buffer;
        if (inHead) {
            // The previous line came with an earlier call.
            lookForFold();
        }
        super.decode(context, buffer, out);
    }

    @Override
    protected HttpMessage createMessage(String[] initialLine) {
        HttpMessage message = super.createMessage(initialLine);
        HttpVersion version = message.protocolVersion();
        if (!version.equals(HttpVersion.HTTP_1_1) && !version.equals(HttpVersion.HTTP_1_0)) {
            throw new UnsupportedVersionException();
        }
        inHead = true;
        folded = false;
        hosts = 0;
        return message;
    }

    /** Called for each line that is not folded. */
    @Override
    protected AsciiString splitHeaderName(byte[] line, int start, int length) {
        if (length == 0) {
            throw new IllegalArgumentException("A header has no name");
        }
        lookForFold();
        AsciiString name = super.splitHeaderName(line, start, length);
        if (HttpHeaderNames.HOST.contentEqualsIgnoreCase(name)) {
            hosts++;
        }
        return name;
    }

    /** Notes whether the next line begins with white space, if it has arrived. */
    private void lookForFold() {
        if (input != null && input.isReadable()) {
            byte first = input.getByte(input.readerIndex());
            folded |= first == ' ' || first == '\t';
        }
    }

    /** Called when all lines of a head have been read, before the request is made of them. */
    @Override
    protected boolean isContentAlwaysEmpty(HttpMessage message) {
        inHead = false;
        if (folded) {
            throw new IllegalArgumentException("A header line is folded");
        }
        if (hosts > 1 || (hosts == 0 && message.protocolVersion().equals(HttpVersion.HTTP_1_1))) {
            throw new IllegalArgumentException("There must be one Host");
        }
        HttpHeaders headers = message.headers();
        if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)) {
            List<String> encodings = headers.getAll(HttpHeaderNames.TRANSFER_ENCODING);
            if (encodings.size() > 1
                    || !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(encodings.get(0))
                    || headers.contains(HttpHeaderNames.CONTENT_LENGTH)) {
                throw new IllegalArgumentException("It is not certain where the request ends");
            }
        }
        return super.isContentAlwaysEmpty(message);
    }
}
