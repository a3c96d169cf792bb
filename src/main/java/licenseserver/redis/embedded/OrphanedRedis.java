package licenseserver.redis.embedded;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Redis of a server that was killed. It keeps running in the data folder until the next start there. */
final class OrphanedRedis {
    private static final Logger LOG = LoggerFactory.getLogger(OrphanedRedis.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int LONGEST_REPLY = 100_000;
    private static final Pattern FOLDER = Pattern.compile("^\\*2\r\n\\$3\r\ndir\r\n\\$\\d+\r\n(.+)\r\n$");
    private static final Pattern PROCESS_ID = Pattern.compile("\\bprocess_id:(\\d+)\r\n");

    private final OutputStream out;
    private final DataInputStream in;

    private OrphanedRedis(Socket socket) throws IOException {
        out = socket.getOutputStream();
        in = new DataInputStream(socket.getInputStream());
    }

    /**
     * Ends the Redis that was left behind in this folder, if there is one. If it accepts the password, it works in
     * this folder, or in the folder of which this one is a copy; its working folder shows which.
     *
     * @throws IOException with a sentence for the operator if it does not answer
     */
    static void end(DataFolder folder) throws IOException {
        Optional<String> url = DataFolder.read(folder.redisUrlFile());
        if (url.isEmpty()) {
            return;
        }
        URI address = URI.create(url.get());
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), address.getPort()), (int)
                    PATIENCE.toMillis());
            socket.setSoTimeout((int) PATIENCE.toMillis());
            var redis = new OrphanedRedis(socket);
            if (!redis.ask("AUTH " + address.getUserInfo().substring(1)).equals("+OK\r\n")) {
                return;
            }
            if (!redis.worksIn(folder.redisFolder())) {
                LOG.info("The Redis on port {} works in another folder and is left alone", address.getPort());
                return;
            }
            LOG.info("Ending the Redis that an earlier run left behind on port {}", address.getPort());
            redis.end();
        } catch (SocketTimeoutException e) {
            throw new IOException(
                    "A Redis that an earlier run left behind on port " + address.getPort()
                            + " does not answer; end it and start again. If something else listens there, delete "
                            + folder.redisUrlFile() + ".",
                    e);
        } catch (IOException gone) {
            LOG.debug("No Redis of an earlier run on port {}", address.getPort());
        }
    }

    private boolean worksIn(Path folder) throws IOException {
        Matcher named = FOLDER.matcher(ask("CONFIG GET dir"));
        Matcher process = PROCESS_ID.matcher(ask("INFO server"));
        return named.matches()
                && process.find()
                && isSame(Path.of(named.group(1)), folder)
                // A folder of the same name in another container is another folder. Only Linux shows that.
                && (!Files.isDirectory(Path.of("/proc/self/cwd"))
                        || isSame(Path.of("/proc", process.group(1), "cwd"), folder));
    }

    private static boolean isSame(Path one, Path other) throws IOException {
        return Files.isDirectory(one) && Files.isSameFile(one, other);
    }

    /** Sends SHUTDOWN. Redis closes the connection, without an answer, when its data is on disk. */
    private void end() throws IOException {
        send("SHUTDOWN");
        in.readAllBytes();
    }

    private void send(String command) throws IOException {
        out.write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    /** The reply as it is sent: a line, a text or a list of texts. */
    private String ask(String command) throws IOException {
        send(command);
        return reply();
    }

    private String reply() throws IOException {
        String line = line();
        return switch (line.charAt(0)) {
            case '$' -> line + new String(in.readNBytes(length(line) + 2), StandardCharsets.UTF_8);
            case '*' -> {
                var list = new StringBuilder(line);
                for (int i = length(line); i > 0; i--) {
                    list.append(reply());
                }
                yield list.toString();
            }
            default -> line;
        };
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        while (line.isEmpty() || line.charAt(line.length() - 1) != '\n') {
            line.append((char) in.readUnsignedByte());
            if (line.length() > LONGEST_REPLY) {
                throw new IOException("not Redis");
            }
        }
        return line.toString();
    }

    private static int length(String line) throws IOException {
        try {
            int length = Integer.parseInt(line.substring(1).strip());
            if (length >= 0 && length <= LONGEST_REPLY) {
                return length;
            }
        } catch (NumberFormatException e) {
            // Redis sends none of these.
        }
        throw new IOException("not Redis");
    }
}
