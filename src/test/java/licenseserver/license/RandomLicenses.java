package licenseserver.license;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Licenses in every state they can be in, the same ones for the same seed. */
public final class RandomLicenses implements Supplier<License> {
    private static final int MAX_SLOTS = 5;
    private static final List<String> PARTS = List.of(
            "a",
            "Z",
            "0",
            " ",
            "\"",
            "\\",
            "/",
            "'",
            "{",
            "}",
            ":",
            ",",
            "\n",
            "\t",
            "\u0000",
            "\u007f",
            "\u2028",
            "é",
            "中",
            "\ud83d\ude00",
            "</script>");
    private static final List<String> UNKNOWN_FIELDS = List.of(
            "",
            "\"plan\":\"pro\"",
            "\"expires\":null,\"labels\":[\"a\",{\"b\":[]}]",
            "\"price\":1.0,\"big\":123456789012345678901234567890,\"tiny\":1e-400",
            "\"escaped\" : \"\\u0041\\/\\n\",\"\\u006bex\":{ }");

    private static final List<String> METADATA =
            List.of("{}", "{\"a\" : 1.0,\"b\":{\"c\":[1e400,\"\\u0041\"]}}", "{\"n\":12345678901234567890123}");

    private final Random random;

    /** A sequence of licenses. */
    public RandomLicenses(long seed) {
        this.random = new Random(seed);
    }

    /** The next license; it may have more machines than it allows, as after its number was lowered. */
    @Override
    public License get() {
        boolean disabled = random.nextInt(4) == 0;
        return new License(
                new LicenseKey(text()),
                text(),
                time(),
                terms(),
                disabled,
                disabled ? rarely(this::text) : null,
                machines(),
                random.nextInt(3) == 0 ? machines() : List.of(),
                unknownFields());
    }

    private Terms terms() {
        return new Terms(
                random.nextInt(MAX_SLOTS + 1),
                rarely(this::time),
                rarely(this::text),
                rarely(() -> METADATA.get(random.nextInt(METADATA.size()))),
                rarely(this::text),
                rarely(() -> random.nextInt(400)),
                rarely(() -> random.nextInt(MAX_SLOTS)));
    }

    private List<Machine> machines() {
        var machines = new ArrayList<Machine>();
        for (int i = random.nextInt(MAX_SLOTS + 2); i > 0; i--) {
            machines.add(new Machine(machineId(i), time(), rarely(this::text), rarely(this::time), unknownFields()));
        }
        return machines;
    }

    private <T> @Nullable T rarely(Supplier<T> value) {
        return random.nextInt(3) == 0 ? value.get() : null;
    }

    /** The id of one of the machines, or of none. */
    public String machineIdNear(License license) {
        return license.machines().isEmpty() || random.nextBoolean()
                ? machineId(0)
                : license.machines()
                        .get(random.nextInt(license.machines().size()))
                        .machineId();
    }

    private String machineId(int number) {
        return number + text();
    }

    private String text() {
        var text = new StringBuilder();
        for (int i = random.nextInt(12); i > 0; i--) {
            text.append(PARTS.get(random.nextInt(PARTS.size())));
        }
        return text.toString();
    }

    private Instant time() {
        return Instant.ofEpochMilli(random.nextLong(4_000_000_000_000L));
    }

    private String unknownFields() {
        return UNKNOWN_FIELDS.get(random.nextInt(UNKNOWN_FIELDS.size()));
    }
}
