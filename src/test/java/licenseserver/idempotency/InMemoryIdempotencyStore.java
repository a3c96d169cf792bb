package licenseserver.idempotency;

import io.vertx.core.Future;
import java.util.HashMap;
import java.util.Map;

/** Requests and their answers in a map, for ever. For tests of what uses such a store. */
public class InMemoryIdempotencyStore implements IdempotencyStore {
    /** A request, and what is answered to another call for it with the same payload. */
    private record Known(IdempotentRequest request, Claim claim) {}

    private final Map<String, Known> requests = new HashMap<>();

    @Override
    public synchronized Future<Claim> claim(IdempotentRequest request) {
        Known known = requests.putIfAbsent(request.name(), new Known(request, new Claim.UnderWay()));
        if (known == null) {
            return Future.succeededFuture(new Claim.First());
        }
        boolean same = known.request().check().equals(request.check());
        return Future.succeededFuture(same ? known.claim() : new Claim.OtherPayload());
    }

    @Override
    public synchronized Future<Void> keep(IdempotentRequest request, KeptAnswer answer) {
        requests.put(request.name(), new Known(request, new Claim.Answered(answer)));
        return Future.succeededFuture();
    }

    @Override
    public synchronized Future<Void> release(IdempotentRequest request) {
        Known known = requests.get(request.name());
        if (known != null
                && known.claim() instanceof Claim.UnderWay
                && known.request().token().equals(request.token())) {
            requests.remove(request.name());
        }
        return Future.succeededFuture();
    }
}
