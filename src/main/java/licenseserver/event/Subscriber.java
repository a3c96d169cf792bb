package licenseserver.event;

import io.vertx.core.Future;
import java.util.List;

/**
 * Keeps a view of the licenses up to date: a list, an index, or anything else that must not miss a change.
 *
 * <p>A subscriber is told of each change at least once, by the server that made it or, if that server died, by another
 * one. It may be told twice, and in any order. So it takes what happened only as a hint: it reads the license again and
 * makes its view say what the license says now. If the view is in Redis, it watches the view first, then reads the
 * license, then writes, so that a slow server never overwrites what a later one has seen.
 */
@FunctionalInterface
public interface Subscriber {
    /**
     * Brings the view up to date.
     *
     * @param happened which licenses may have changed; the same license can be there several times
     * @return completes when the view is stored; if it fails, all subscribers are told again later
     */
    Future<?> tell(List<Happened> happened);
}
