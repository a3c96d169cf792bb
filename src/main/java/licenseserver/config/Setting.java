package licenseserver.config;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * The declaration of one setting: its name, its default, which values it takes, and what it is for. The values are
 * read by it, and {@code conf/license-server.env} and {@code docs/settings.md} are generated from it.
 *
 * <p>A description is one or more whole sentences for the operator; the first defines the setting. It may quote code
 * in backticks. It does not repeat the default or the range, which the documents show beside it.
 *
 * @param <T> the type of the value
 */
public final class Setting<T> {
    private static final String FILE_SUFFIX = "_FILE";

    private final String name;
    private final String defaultText;
    private final String range;
    private final boolean isSecret;
    private final String description;
    private final Function<String, T> reader;
    private final String refusal;

    private Setting(
            String name,
            String defaultText,
            String range,
            boolean isSecret,
            String description,
            Function<String, T> reader,
            String refusal) {
        this.name = name;
        this.defaultText = defaultText;
        this.range = range;
        this.isSecret = isSecret;
        this.description = description;
        this.reader = reader;
        this.refusal = refusal;
    }

    /**
     * Declares a setting that takes any text. An empty default means that nothing is set, which reads as the empty
     * text.
     */
    public static Setting<String> text(String name, String defaultText, String description) {
        return new Setting<>(name, defaultText, "", false, description, Function.identity(), "");
    }

    /**
     * Declares a secret, which reads as the empty text if it is not set. It may be kept in a file of its own: the
     * setting with {@code _FILE} behind its name holds the path of that file.
     */
    public static Setting<String> secret(String name, String description) {
        return new Setting<>(name, "", "", true, description, Function.identity(), "");
    }

    /** Declares a whole number from {@code min} to {@code max}, both included. */
    public static Setting<Integer> wholeNumber(String name, int defaultValue, int min, int max, String description) {
        return number(name, defaultValue, min, max, description, value -> value);
    }

    /**
     * Declares a duration, which is set as a whole number of seconds from {@code min} to {@code max}, both included.
     */
    public static Setting<Duration> seconds(String name, int defaultValue, int min, int max, String description) {
        return number(name, defaultValue, min, max, description, Duration::ofSeconds);
    }

    /**
     * Declares a duration, which is set as a whole number of milliseconds from {@code min} to {@code max}, both
     * included.
     */
    public static Setting<Duration> millis(String name, int defaultValue, int min, int max, String description) {
        return number(name, defaultValue, min, max, description, Duration::ofMillis);
    }

    private static <T> Setting<T> number(
            String name, int defaultValue, int min, int max, String description, IntFunction<T> unit) {
        String range = min + " to " + max;
        Function<String, T> reader = text -> {
            int value = Integer.parseInt(text);
            if (value < min || value > max) {
                throw new IllegalArgumentException("out of range");
            }
            return unit.apply(value);
        };
        String refusal = "is not a whole number from " + range + ".";
        return new Setting<>(name, Integer.toString(defaultValue), range, false, description, reader, refusal);
    }

    /** Declares a setting that is {@code true} or {@code false}. */
    public static Setting<Boolean> flag(String name, boolean defaultValue, String description) {
        Function<String, Boolean> reader = text -> switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw new IllegalArgumentException("not a choice");
        };
        String range = "`true` or `false`";
        String refusal = "is neither true nor false.";
        return new Setting<>(name, Boolean.toString(defaultValue), range, false, description, reader, refusal);
    }

    /** Declares a choice among the constants of an enum. They are set by their names in lower case. */
    public static <E extends Enum<E>> Setting<E> choice(String name, E defaultValue, String description) {
        List<E> choices = List.of(defaultValue.getDeclaringClass().getEnumConstants());
        Function<String, E> reader = text -> choices.stream()
                .filter(choice -> choiceName(choice).equals(text))
                .findAny()
                .orElseThrow(() -> new IllegalArgumentException("not a choice"));
        List<String> names = choices.stream().map(Setting::choiceName).toList();
        String range = listed(names.stream().map(choice -> "`" + choice + "`").toList(), " or ");
        String refusal = "is none of " + listed(names, " and ") + ".";
        return new Setting<>(name, choiceName(defaultValue), range, false, description, reader, refusal);
    }

    private static String choiceName(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    private static String listed(List<String> names, String beforeLast) {
        int last = names.size() - 1;
        return String.join(", ", names.subList(0, last)) + beforeLast + names.get(last);
    }

    /**
     * Returns the same declaration with another reader of its text.
     *
     * @param reader fails with an {@link IllegalArgumentException} if the text cannot be used; it gets the default
     *     too, and the empty text if nothing is set
     * @param refusal what follows the name in the sentence for the operator if the reader fails; must not quote the
     *     text of a secret
     */
    public <U> Setting<U> as(Function<String, U> reader, String refusal) {
        return new Setting<>(name, defaultText, range, isSecret, description, reader, refusal);
    }

    /**
     * Returns the same declaration for a text that must match a regular expression.
     *
     * @param refusal as in {@link #as}
     */
    public Setting<String> matching(String pattern, String refusal) {
        return as(
                text -> {
                    if (!text.matches(pattern)) {
                        throw new IllegalArgumentException("no match");
                    }
                    return text;
                },
                refusal);
    }

    /** Reads a value, without its cause if it fails: that could quote a secret. */
    T read(String text) {
        try {
            return reader.apply(text);
        } catch (IllegalArgumentException unusable) {
            throw new ConfigException(name + " " + refusal);
        }
    }

    String name() {
        return name;
    }

    String fileName() {
        return name + FILE_SUFFIX;
    }

    Stream<String> names() {
        return isSecret ? Stream.of(name, fileName()) : Stream.of(name);
    }

    String defaultText() {
        return defaultText;
    }

    String range() {
        return range;
    }

    boolean isSecret() {
        return isSecret;
    }

    String description() {
        return description;
    }
}
