package licenseserver.http;

import io.netty.util.NetUtil;
import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** A POST request whose body has arrived in full and is a JSON object. */
public final class Call {
    private final ClientAddress addresses;
    private final HttpServerRequest request;
    private final Fields fields;

    Call(ClientAddress addresses, HttpServerRequest request, Fields fields) {
        this.addresses = addresses;
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

    /** The address of the client, behind the trusted proxies if there are any. */
    public InetAddress client() {
        InetAddress peer = NetUtil.createInetAddressFromIpAddressString(
                request.remoteAddress().hostAddress());
        return addresses.of(peer, request.headers());
    }

    /** The fields of the body. */
    public Fields fields() {
        return fields;
    }
}
