package licenseserver.bench;

import io.vertx.core.buffer.Buffer;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A request as it goes over the wire, and the answer that is right.
 *
 * @param request the whole request
 * @param status the answer's status
 * @param answerStart how the answer's body begins
 */
record Call(Buffer request, int status, String answerStart) {
    /** As many as in {@code validate.lua}. */
    private static final int PREPARED = 50_000;

    private static final String YES = "{\"success\":true,\"premium\":true";

    /** Asks for a machine that is active. */
    static Call validate(String key, String machineId) {
        return post("/validate", key, machineId, 200, YES + "}");
    }

    /** Activates a machine, for which there is a slot or which has one. */
    static Call activate(String key, String machineId) {
        return post("/activate", key, machineId, 200, YES + ",\"remainingSlots\":");
    }

    /** Activates a machine for which there is no slot. */
    static Call activateInVain(String key, String machineId) {
        return post("/activate", key, machineId, 403, "{\"success\":false,\"message\":\"Activation limit exceeded\"}");
    }

    /** The same bytes as those of {@code validate.lua}. */
    private static Call post(String path, String key, String machineId, int status, String answerStart) {
        String body = "{\"key\":\"" + key + "\",\"machineId\":\"" + machineId + "\"}";
        String request =
                "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        return new Call(Buffer.buffer(request), status, answerStart);
    }

    /** Some of these calls in any order, made beforehand: making one takes as long as a server takes to answer it. */
    static Supplier<Call> prepared(Supplier<Call> calls) {
        List<Call> prepared = Stream.generate(calls).limit(PREPARED).toList();
        return () -> prepared.get(ThreadLocalRandom.current().nextInt(PREPARED));
    }

    /** The size in bytes of this whole answer; -1 where more of it is to come. */
    static int size(String answer) {
        int headEnd = answer.indexOf("\r\n\r\n");
        int length = answer.indexOf("content-length: ");
        if (headEnd < 0 || length < 0 || length > headEnd) {
            return -1;
        }
        int digits = length + "content-length: ".length();
        int size = headEnd + 4 + Integer.parseInt(answer, digits, answer.indexOf('\r', digits), 10);
        return answer.length() < size ? -1 : size;
    }

    /** Whether this whole answer is the right one, and nothing follows it. */
    boolean isAnsweredBy(String answer) {
        return answer.startsWith("HTTP/1.1 " + status)
                && answer.startsWith(answerStart, answer.indexOf("\r\n\r\n") + 4)
                && answer.length() == size(answer);
    }
}
