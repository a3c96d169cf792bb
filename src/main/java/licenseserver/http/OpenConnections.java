package licenseserver.http;

import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.MaxMessagesRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.vertx.core.Handler;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.impl.HttpServerConnection;
import java.net.Inet6Address;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Limits how much of the heap open connections take, and how long the head of a request may take.
 *
 * <p>When the share is used up, each new connection costs the address with the heaviest connections one of its own:
 * one without a request under way, or else one whose request is incomplete or whose client does not read its answers.
 * A connection whose request is being answered is never closed for this, because all clients behind a proxy have the
 * same address. If the heaviest address has no other connection to close, the next heaviest loses one. No address
 * loses a connection to a heavier address; then the connection that asks for room is closed itself.
 *
 * <p>There is one for the whole process; it may be used from any thread.
 */
public final class OpenConnections implements Handler<HttpConnection> {
    /** The shortest time between two lines for the operator. */
    private static final Duration PAUSE = Duration.ofMinutes(1);

    /** Reads so few bytes at a time that no connection has decoded much before it is asked to wait. */
    private static final MaxMessagesRecvByteBufAllocator READS =
            new AdaptiveRecvByteBufAllocator(64, 2048, 4 * 1024).maxMessagesPerRead(1);

    /**
     * When a connection has this many bytes to send, no further request is answered until its client has read some.
     * Fewer bytes are not counted, so all connections together may hold them in addition to their share.
     */
    private static final WriteBufferWaterMark WRITES = new WriteBufferWaterMark(2 * 1024, 4 * 1024);

    /** How many bytes of an IPv6 address identify a client, which may use any address of its network. */
    private static final int NETWORK_BYTES = 8;

    private static final Logger LOG = LoggerFactory.getLogger(OpenConnections.class);

    /** Where connections come from. Guarded by the {@code OpenConnections} that it belongs to. */
    static final class Address {
        private final Set<CountedConnection> connections = new LinkedHashSet<>();
        private long weight;

        /** Returns the connection to close first; null if all are busy. The set is ordered by arrival. */
        private @Nullable CountedConnection victim() {
            CountedConnection stuck = null;
            for (CountedConnection each : connections) {
                if (each.isIdle()) {
                    return each;
                }
                if (stuck == null && each.isStuck()) {
                    stuck = each;
                }
            }
            return stuck;
        }
    }

    private final long share;
    private final Duration patience;
    private final Map<ByteBuffer, Address> addresses = new HashMap<>();
    private long weight;
    private int open;
    private long lastTold = System.nanoTime() - PAUSE.toNanos();

    /**
     * Limits connections.
     *
     * @param share of the heap, in bytes
     * @param patience the longest that a client may take to send the head of a request, from its first byte, and to
     *     read what it was sent before its connection may be closed to make room
     */
    public OpenConnections(long share, Duration patience) {
        this.share = share;
        this.patience = patience;
    }

    @Override
    public void handle(HttpConnection opened) {
        Channel channel =
                ((HttpServerConnection) opened).channelHandlerContext().channel();
        channel.config().setRecvByteBufAllocator(READS).setWriteBufferWaterMark(WRITES);
        var connection = new CountedConnection(this, channel, source(channel.remoteAddress()), patience);
        connection.install();
        channel.closeFuture().addListener(closed -> leave(connection));
        enter(connection);
    }

    private static ByteBuffer source(@Nullable SocketAddress remote) {
        if (!(remote instanceof InetSocketAddress client)) {
            return ByteBuffer.allocate(0);
        }
        byte[] bytes = client.getAddress().getAddress();
        return client.getAddress() instanceof Inet6Address
                ? ByteBuffer.wrap(bytes, 0, NETWORK_BYTES)
                : ByteBuffer.wrap(bytes);
    }

    /** Counts a connection from now on, with its weight. */
    synchronized void enter(CountedConnection connection) {
        count(connection);
        makeRoom(connection);
    }

    /** Counts a connection again that turned out to be busy. It stays open even if no other can be closed for it. */
    synchronized void enterAgain(CountedConnection connection) {
        count(connection);
        makeRoom(null);
    }

    private void count(CountedConnection connection) {
        connection.counted = true;
        open++;
        Address address = addresses.computeIfAbsent(connection.source, first -> new Address());
        address.connections.add(connection);
        add(address, connection.weight);
    }

    /** Adds to the weight of a connection; the number is negative if it takes less than before. */
    synchronized void add(CountedConnection connection, long bytes) {
        connection.weight += bytes;
        Address address = addresses.get(connection.source);
        if (connection.counted && address != null) {
            add(address, bytes);
            makeRoom(connection);
        }
    }

    private void add(Address address, long bytes) {
        address.weight += bytes;
        weight += bytes;
    }

    private synchronized void leave(CountedConnection connection) {
        Address address = addresses.get(connection.source);
        if (!connection.counted || address == null) {
            return;
        }
        connection.counted = false;
        open--;
        address.connections.remove(connection);
        add(address, -connection.weight);
        if (address.connections.isEmpty()) {
            addresses.remove(connection.source);
        }
    }

    /**
     * Closes connections until the rest fits into the share.
     *
     * @param last the connection that asks for room, which is closed if no other can be; null for none
     */
    private void makeRoom(@Nullable CountedConnection last) {
        if (weight > share) {
            tell();
        }
        while (weight > share) {
            CountedConnection victim = victim(last);
            if (victim != null && victim != last) {
                leave(victim);
                victim.closeUnlessBusy();
            } else {
                if (last != null) {
                    leave(last);
                    last.closeSoon();
                }
                return;
            }
        }
    }

    /**
     * Finds a connection to close. It looks at connections of other event loops without waiting for them, because
     * {@code closeUnlessBusy} looks again.
     */
    private @Nullable CountedConnection victim(@Nullable CountedConnection forThis) {
        CountedConnection victim = null;
        Address own = forThis == null ? null : addresses.get(forThis.source);
        long heaviest = own == null ? 0 : own.weight - 1;
        for (Address address : addresses.values()) {
            if (address.weight > heaviest) {
                CountedConnection candidate = address.victim();
                if (candidate != null) {
                    victim = candidate;
                    heaviest = address.weight;
                }
            }
        }
        return victim;
    }

    /** Returns how much of the heap all open connections take, in bytes. */
    synchronized long weight() {
        return weight;
    }

    private void tell() {
        long now = System.nanoTime();
        if (now - lastTold >= PAUSE.toNanos()) {
            lastTold = now;
            LOG.warn(
                    "{} connections are open, all that their share of the heap, {} KB, has room for:"
                            + " idle ones of the address with the most are closed",
                    open,
                    share / 1024);
        }
    }
}
