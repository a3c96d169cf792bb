package licenseserver;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Decides whether a history of concurrent operations could have come from a single copy of the state that did them one
 * after the other, each at some moment between its call and its return (Wing and Gong, "Testing and verifying concurrent
 * objects", 1993; with Lowe's memory of what was tried).
 */
final class Linearizability {
    /**
     * One operation of a history.
     *
     * @param name for people
     * @param called when it was called, in nanoseconds of any one clock
     * @param returned when its answer came; {@link Long#MAX_VALUE} where its outcome is unknown
     * @param effect from the state before it to the state after it; empty where it could not have given its answer there
     */
    record Operation<S>(String name, long called, long returned, Function<S, Optional<S>> effect) {}

    private Linearizability() {}

    /** Whether there is such an order. At most 63 operations. The state must have value equality. */
    static <S> boolean isLinearizable(S initial, List<Operation<S>> history) {
        if (history.size() > 63) {
            throw new IllegalArgumentException("too long a history");
        }
        return search(initial, history, 0L, new HashSet<>());
    }

    private record Tried<S>(long done, S state) {}

    private static <S> boolean search(S state, List<Operation<S>> history, long done, Set<Tried<S>> tried) {
        if (!tried.add(new Tried<>(done, state))) {
            return false;
        }
        long firstReturn = Long.MAX_VALUE;
        boolean allKnownDone = true;
        for (int i = 0; i < history.size(); i++) {
            if ((done & (1L << i)) == 0) {
                firstReturn = Math.min(firstReturn, history.get(i).returned());
                allKnownDone &= history.get(i).returned() == Long.MAX_VALUE;
            }
        }
        if (allKnownDone) {
            return true;
        }
        for (int i = 0; i < history.size(); i++) {
            boolean canBeNext = (done & (1L << i)) == 0 && history.get(i).called() <= firstReturn;
            if (canBeNext) {
                Optional<S> next = history.get(i).effect().apply(state);
                if (next.isPresent() && search(next.get(), history, done | (1L << i), tried)) {
                    return true;
                }
            }
        }
        return false;
    }
}
