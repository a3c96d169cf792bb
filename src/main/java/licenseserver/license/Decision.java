package licenseserver.license;

import java.util.List;

/**
 * What a rule decided: the reply, and whether the license changes. A rule must say which; nothing is written for
 * {@link Keep}.
 *
 * @param <R> what is replied to the one who asked
 */
public sealed interface Decision<R> {
    /** What is replied to the one who asked. */
    R reply();

    /** The license stays as it is. */
    record Keep<R>(R reply) implements Decision<R> {}

    /**
     * There is to be no such license any more; the reply may be given only once it is so.
     *
     * @param events what is told of it to those who follow all changes; its own history ends with it
     */
    record Remove<R>(List<Event> events, R reply) implements Decision<R> {
        public Remove {
            events = List.copyOf(events);
        }
    }

    /**
     * The license becomes this one; the reply may be given only once it is stored, together with what its history says of it.
     *
     * @param events in their order; empty for what is no change in the eyes of people
     */
    record Save<R>(License license, List<Event> events, R reply) implements Decision<R> {
        public Save {
            events = List.copyOf(events);
        }
    }
}
