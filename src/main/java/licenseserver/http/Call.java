package licenseserver.http;

import io.vertx.core.http.HttpServerRequest;
import org.jspecify.annotations.Nullable;

/** A POST request whose body has arrived in full and is a JSON object. */
public final class Call {
    private final HttpServerRequest request;
    private final Fields fields;

    Call(HttpServerRequest request, Fields fields) {
        this.request = request;
        this.fields = fields;
    }

    /** The path that is called, without a query string. */
    public String path() {
        return request.path();
    }

    /** The first header with this name; null if there is none. */
    public @Nullable String header(CharSequence name) {
        return request.getHeader(name);
    }

    /** The fields of the body. */
    public Fields fields() {
        return fields;
    }
}
