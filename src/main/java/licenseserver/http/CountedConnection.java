package licenseserver.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.ScheduledFuture;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the requests of one connection. Meanwhile it knows how much of the heap the connection takes and whether a
 * request is under way, and it ends a connection if the head of a request takes too long. Everything belongs to the
 * connection's event loop unless marked otherwise.
 *
 * <p>It is a decoder because only the decoder knows where a head begins and how much of it has arrived. A request
 * that arrives whole, as most do, costs it two comparisons.
 */
final class CountedConnection extends StrictRequestDecoder {
    /**
     * The assumed weight of a connection whose heads have at most {@value #HEAD_BYTES_INCLUDED} bytes and {@value
     * #HEAD_LINES_INCLUDED} lines. It lies between a connection with an incomplete head (4,800 bytes, measured) and
     * one with a request under way (7,400). If all connections are busy at once, the reserve has room for the
     * difference.
     */
    static final int BYTES = 5_400;

    private static final int HEAD_BYTES_INCLUDED = 1024;
    private static final int HEAD_LINES_INCLUDED = 16;

    /** Two strings and an entry in a map, however short the line is. */
    private static final int HEAD_LINE_BYTES = 140;

    /** A request that waits until the one before it is answered. */
    private static final int WAITING_REQUEST_BYTES = 1024;

    private static final byte[] HEAD_TOO_SLOW = ("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n"
                    + "content-type: application/json\r\ncontent-length: "
                    + Reply.HEAD_TOO_SLOW.body().length()
                    + "\r\n\r\n" + Reply.HEAD_TOO_SLOW.body())
            .getBytes(StandardCharsets.US_ASCII);

    /** Guarded by {@link #all}. */
    long weight = BYTES;

    /** Guarded by {@link #all}. */
    boolean counted;

    final ByteBuffer source;
    private final OpenConnections all;
    private final Channel channel;
    private final Duration patience;
    private final Answers answers = new Answers();
    private boolean inHead = true;
    private int headBytes;
    private int headLines;
    private long heaviestHead;
    private int unanswered;
    private long waiting;
    private long unsent;
    private long unsentSince;
    private boolean ended;
    private @Nullable ScheduledFuture<?> headDeadline;

    /**
     * Makes the connection of a channel.
     *
     * @param source equal for all connections that count as coming from the same address
     */
    CountedConnection(OpenConnections all, Channel channel, ByteBuffer source, Duration patience) {
        this.all = all;
        this.channel = channel;
        this.source = source;
        this.patience = patience;
    }

    /** Replaces the decoder of the channel. */
    void install() {
        channel.pipeline().replace("httpDecoder", "httpDecoder", this);
        channel.pipeline().addBefore("handler", "answers", answers);
    }

    /**
     * Returns whether no request is under way, except for an incomplete head. Another event loop may see an outdated
     * value, here and in {@link #isStuck()}.
     */
    boolean isIdle() {
        return unanswered == 0 && unsent == 0;
    }

    /**
     * Returns whether the client is the one to wait for: its only request is incomplete, or it does not read its
     * answers.
     */
    boolean isStuck() {
        return unsent == 0 ? unanswered <= 1 && !inHead : System.nanoTime() - unsentSince >= patience.toNanos();
    }

    /**
     * Closes the connection unless a complete request is under way by then; if one is, the connection is counted
     * again.
     */
    void closeUnlessBusy() {
        channel.eventLoop().execute(() -> {
            if (isIdle() || isStuck()) {
                close();
            } else if (channel.isActive()) {
                all.enterAgain(this);
            }
        });
    }

    /** Closes the connection even if a request is under way. */
    void closeSoon() {
        channel.eventLoop().execute(this::close);
    }

    /** Closes at the head of the channel's pipeline, so that nothing that waits to be sent delays it. */
    private void close() {
        ended = true;
        channel.unsafe().close(channel.voidPromise());
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) throws Exception {
        if (ended) {
            in.skipBytes(in.readableBytes());
            return;
        }
        int begin = in.readerIndex();
        int before = out.size();
        super.decode(context, in, out);
        if (inHead) {
            headBytes += in.readerIndex() - begin;
        }
        if (out.size() == before) {
            if (inHead && headBytes + in.readableBytes() > 0) {
                headIncomplete(context, headBytes + in.readableBytes());
            }
            return;
        }
        for (int i = before; i < out.size(); i++) {
            if (out.get(i) instanceof HttpRequest) {
                headComplete();
            }
            if (out.get(i) instanceof HttpContent content) {
                if (unanswered > 1) {
                    addWaiting(content.content().readableBytes());
                }
                inHead |= content instanceof LastHttpContent;
            }
        }
    }

    @Override
    protected AsciiString splitHeaderName(byte[] line, int start, int length) {
        headLines++;
        return super.splitHeaderName(line, start, length);
    }

    private void headIncomplete(ChannelHandlerContext context, int bytes) {
        if (headDeadline == null) {
            startHeadDeadline(context);
        }
        weighHead(bytes);
    }

    private void startHeadDeadline(ChannelHandlerContext context) {
        headDeadline =
                context.executor().schedule(() -> headTooSlow(context), patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /**
     * Keeps the connection open past the deadline if an earlier request is still under way: its answer matters more.
     */
    private void headTooSlow(ChannelHandlerContext context) {
        if (!isIdle()) {
            startHeadDeadline(context);
            return;
        }
        ended = true;
        context.writeAndFlush(Unpooled.wrappedBuffer(HEAD_TOO_SLOW)).addListener(ChannelFutureListener.CLOSE);
    }

    private void cancelHeadDeadline() {
        if (headDeadline != null) {
            headDeadline.cancel(false);
            headDeadline = null;
        }
    }

    /** Cancels the deadline, which would otherwise keep everything of the connection in memory. */
    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        ended = true;
        cancelHeadDeadline();
        super.channelInactive(context);
    }

    private void headComplete() {
        cancelHeadDeadline();
        long head = weighHead(headBytes);
        if (++unanswered > 1) {
            addWaiting(WAITING_REQUEST_BYTES + head);
        }
        inHead = false;
        headBytes = 0;
        headLines = 0;
    }

    /**
     * The decoder keeps room for its longest line, so the weight of a head is not given back before the connection
     * ends.
     */
    private long weighHead(int bytes) {
        long head = 2L * Math.max(0, bytes - HEAD_BYTES_INCLUDED)
                + (long) HEAD_LINE_BYTES * Math.max(0, headLines - HEAD_LINES_INCLUDED);
        if (head > heaviestHead) {
            all.add(this, head - heaviestHead);
            heaviestHead = head;
        }
        return head;
    }

    private void addWaiting(long bytes) {
        waiting += bytes;
        all.add(this, bytes);
    }

    /** Counts the bytes that the client has yet to read, while there are many. */
    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) throws Exception {
        long now = channel.isWritable() ? 0 : channel.bytesBeforeWritable();
        long more = now - unsent;
        // First, so that the connection does not look idle when room is made for this.
        unsent = now;
        unsentSince = System.nanoTime();
        all.add(this, more);
        super.channelWritabilityChanged(context);
    }

    /** Watches the answers. */
    private final class Answers extends ChannelOutboundHandlerAdapter {
        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) throws Exception {
            if (message instanceof LastHttpContent && !isInterim(message)) {
                unanswered--;
                if (unanswered == 0 && waiting > 0) {
                    all.add(CountedConnection.this, -waiting);
                    waiting = 0;
                }
            }
            super.write(context, message, promise);
        }

        private static boolean isInterim(Object message) {
            return message instanceof HttpResponse response
                    && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
        }
    }
}
