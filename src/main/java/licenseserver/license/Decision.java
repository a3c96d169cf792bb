package licenseserver.license;

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

    /** The license becomes this one; the reply may be given only once it is stored. */
    record Save<R>(License license, R reply) implements Decision<R> {}
}
