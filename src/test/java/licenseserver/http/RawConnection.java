package licenseserver.http;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A connection that sends any bytes, and reads HTTP answers strictly, each within bounded time. */
public final class RawConnection implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 10_000;

    /** Vert.x says back whatever protocol it was asked in. */
    private static final Pattern STATUS_LINE = Pattern.compile("\\S+/[0-9]+\\.[0-9]+ ([1-5][0-9]{2}) [A-Za-z -]+");

    /** An answer; the names of its headers are in lower case. */
    public record Answer(int status, TreeMap<String, String> headers, String body) {
        boolean closes() {
            return "close".equalsIgnoreCase(headers.get("connection"));
        }
    }

    private final Socket socket;
    private final InputStream in;

    public RawConnection(String host, int port) {
        this(host, port, null);
    }

    /** A connection from this address of the machine; null for any. */
    public RawConnection(String host, int port, @Nullable String from) {
        try {
            socket = from == null ? new Socket(host, port) : new Socket(host, port, InetAddress.getByName(from), 0);
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A GET with these further header lines. */
    public static String get(String path, String... headers) {
        return "GET " + path + " HTTP/1.1\r\n" + lines("Host: localhost") + lines(headers) + "\r\n";
    }

    /** A POST with this body, and with further header lines. */
    public static String post(String path, String body, String... headers) {
        return "POST " + path + " HTTP/1.1\r\n" + lines("Host: localhost", "Content-Length: " + body.length())
                + lines(headers) + "\r\n" + body;
    }

    private static String lines(String... lines) {
        return Stream.of(lines).map(line -> line + "\r\n").collect(Collectors.joining());
    }

    /** Sends text as ISO 8859-1, so that each character up to U+00FF is one byte. */
    public RawConnection send(String text) {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    public RawConnection send(byte[] bytes) {
        try {
            socket.getOutputStream().write(bytes);
        } catch (SocketException closed) {
            // The server may have refused what came first; what it said can still be read.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Tells the server that nothing more comes; what it sends can still be read. */
    public RawConnection endSending() {
        try {
            socket.shutdownOutput();
        } catch (SocketException closed) {
            // As above.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** The next answer. */
    public Answer read() {
        return readIfAny().orElseThrow(() -> new AssertionError("The connection was closed without an answer"));
    }

    /** The answers until the server closes the connection. */
    public List<Answer> readAll() {
        var answers = new ArrayList<Answer>();
        for (Optional<Answer> next = readIfAny(); next.isPresent(); next = readIfAny()) {
            answers.add(next.get());
        }
        return answers;
    }

    /** Whether the server closes the connection before it sends anything more. */
    public boolean isClosed() {
        return readIfAny().isEmpty();
    }

    private Optional<Answer> readIfAny() {
        try {
            int first = readByte();
            if (first < 0) {
                return Optional.empty();
            }
            String statusLine = (char) first + readLine();
            Matcher parts = STATUS_LINE.matcher(statusLine);
            if (!parts.matches()) {
                throw new AssertionError("No status line: " + statusLine);
            }
            int status = Integer.parseInt(parts.group(1));
            var headers = new TreeMap<String, String>();
            for (String line = readLine(); !line.isEmpty(); line = readLine()) {
                int colon = line.indexOf(':');
                String name = line.substring(0, colon).toLowerCase(Locale.ROOT);
                if (headers.put(name, line.substring(colon + 1).strip()) != null) {
                    throw new AssertionError("Header twice: " + name);
                }
            }
            int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
            byte[] body = in.readNBytes(length);
            if (body.length < length) {
                throw new AssertionError("A body of " + body.length + " instead of " + length + " bytes");
            }
            return Optional.of(new Answer(status, headers, new String(body, StandardCharsets.UTF_8)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A server that closes while something unread has arrived resets the connection: that is the end, too. */
    private int readByte() throws IOException {
        try {
            return in.read();
        } catch (SocketException reset) {
            return -1;
        }
    }

    private String readLine() throws IOException {
        var line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new AssertionError("The answer ends in its header");
            }
            line.append((char) next);
        }
        return line.toString().stripTrailing();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
