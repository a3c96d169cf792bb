package licenseserver.api;

import io.vertx.core.json.JsonObject;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import licenseserver.http.Routes;

/** The refusals that the routes print for each call: a call must not refuse in a way that nobody can look up. */
final class DeclaredRefusals {
    /** Those of every call; docs/calls.md lists them. */
    private static final List<String> OF_ALL = List.of(
            "400 Invalid JSON",
            "400 JSON object required",
            "401 Unauthorized",
            "408 Request body not received in time",
            "413 Request body too large",
            "500 Internal error",
            "500 The stored license cannot be read",
            "503 Temporarily unavailable, please try again");

    private static final List<String> OF_REPEATABLE = List.of(
            "400 Idempotency-Key must be 1 to 255 visible ASCII characters",
            "409 The first request with this Idempotency-Key is still under way",
            "409 This license was deleted",
            "422 Idempotency-Key was used for another request before");

    /** By path, the lines that are printed for a call. */
    private final Map<String, String> calls;

    DeclaredRefusals(Routes routes) {
        calls = Arrays.stream(routes.print().split("\n\n"))
                .filter(block -> block.startsWith("POST "))
                .collect(Collectors.toMap(
                        block -> block.lines().findFirst().orElseThrow().substring(5), Function.identity()));
    }

    /** The same answer, unless it is a refusal that its call does not declare. */
    HttpResponse<String> check(HttpResponse<String> answer) {
        String call = calls.get(answer.uri().getPath());
        if (answer.statusCode() >= 400 && call != null) {
            String refusal = answer.statusCode() + " " + new JsonObject(answer.body()).getString("message");
            boolean isDeclared = OF_ALL.contains(refusal)
                    || (call.contains("  repeat ") && OF_REPEATABLE.contains(refusal))
                    || call.lines().anyMatch(line -> isDeclared(refusal, line));
            if (!isDeclared) {
                throw new AssertionError(answer.uri().getPath() + " does not declare that it refuses: " + refusal);
            }
        }
        return answer;
    }

    private static boolean isDeclared(String refusal, String line) {
        if (line.startsWith("  refuses ")) {
            String declared = line.substring(12);
            return declared.endsWith("…")
                    ? refusal.startsWith(declared.substring(0, declared.length() - 1))
                    : refusal.equals(declared);
        }
        if (line.startsWith("  fields ")) {
            boolean refusesOthers = !line.endsWith("others are ignored");
            return (refusesOthers && refusal.startsWith("400 Unknown field: "))
                    || Arrays.stream(line.substring(12).split("[,;] "))
                            .anyMatch(field -> refusal.startsWith("400 " + field + " "));
        }
        return false;
    }
}
