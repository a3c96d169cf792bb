package licenseserver.license;

import java.util.List;

/**
 * What a rule has decided: the reply, and whether the license changes.
 *
 * @param <R> what the caller is told
 */
public sealed interface Decision<R> {
    /** What the caller is told. */
    R reply();

    /**
     * The license stays as it is, and nothing is written.
     *
     * @param isUncertain whether the reply could be another one if the license had all signs of life of its machines
     */
    record Keep<R>(R reply, boolean isUncertain) implements Decision<R> {
        /** Keeps the license, no matter when its machines were last seen. */
        public Keep(R reply) {
            this(reply, false);
        }
    }

    /**
     * The license is removed. The caller gets the reply only after that.
     *
     * @param events what the recent events say about it; the history of the license is removed with it
     */
    record Remove<R>(List<Event> events, R reply) implements Decision<R> {
        public Remove {
            events = List.copyOf(events);
        }
    }

    /**
     * The license is replaced by this one. The caller gets the reply only after it is stored, together with the
     * events.
     *
     * @param events what its history says about the change, in order; empty if people would not call it a change
     */
    record Save<R>(License license, List<Event> events, R reply) implements Decision<R> {
        public Save {
            events = List.copyOf(events);
        }
    }
}
