package licenseserver.store;

import io.vertx.core.Future;
import java.util.HashMap;
import java.util.Map;

/** Requests and their answers in a map, for ever. For tests of what uses such a store. */
public class InMemoryIdempotencyStore implements IdempotencyStore {
    /** A request, and what is answered to another call for it with the same payload. */
    private record Request(String payload, Claim claim) {}

    private final Map<String, Request> requests = new HashMap<>();

    @Override
    public synchronized Future<Claim> claim(String name, String payload) {
        Request known = requests.putIfAbsent(name, new Request(payload, new Claim.UnderWay()));
        if (known == null) {
            return Future.succeededFuture(new Claim.First());
        }
        return Future.succeededFuture(known.payload().equals(payload) ? known.claim() : new Claim.OtherPayload());
    }

    @Override
    public synchronized Future<Void> keep(String name, String payload, int status, String body) {
        requests.put(name, new Request(payload, new Claim.Answered(status, body)));
        return Future.succeededFuture();
    }

    @Override
    public synchronized Future<Void> release(String name) {
        requests.remove(name);
        return Future.succeededFuture();
    }
}
