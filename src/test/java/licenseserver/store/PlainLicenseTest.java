package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.Random;
import licenseserver.license.License;
import licenseserver.license.RandomLicenses;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainLicenseTest {
    private static final String USUAL =
            "{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"ada@example.com\",\"createdAt\":1719000000000,"
                    + "\"maxMachines\":3,\"disabled\":false,\"machines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000001,"
                    + "\"label\":\"Bob’s\",\"lastSeenAt\":1719000000002},{\"machineId\":\"7\",\"activatedAt\":0}],"
                    + "\"disabledReason\":\"refunded\",\"expiresAt\":1750536000000,\"product\":\"Studio\",\"notes\":\"by phone\"}";
    private static final String LEAST =
            "{\"key\":\"K\",\"email\":\"a@b\",\"createdAt\":1,\"maxMachines\":3,\"disabled\":true,\"machines\":[]}";

    @ParameterizedTest
    @ValueSource(strings = {USUAL, LEAST})
    void reads_what_is_stored_most(String text) {
        License license = PlainLicense.read(text);

        assertThat(license).isNotNull().isEqualTo(LicenseJson.parse(text));
        assertThat(LicenseJson.encode(Objects.requireNonNull(license))).isEqualTo(text);
    }

    @Test
    void reads_no_license_otherwise_than_the_parser() {
        var licenses = new RandomLicenses(7);
        int taken = 0;
        for (int i = 0; i < 20_000; i++) {
            String text = LicenseJson.encode(licenses.get());
            License plain = PlainLicense.read(text);
            if (plain != null) {
                taken++;
                assertThat(plain).isEqualTo(LicenseJson.parse(text));
            }
        }
        assertThat(taken).isPositive();
    }

    /** But for control characters, which no text that was ever written holds. */
    @Test
    void reads_no_other_text_otherwise_than_the_parser() {
        var random = new Random(5);
        var alphabet = List.of(
                "{",
                "}",
                "[",
                "]",
                "\"",
                ":",
                ",",
                "\\",
                " ",
                "0",
                "9",
                "-",
                ".",
                "e",
                "null",
                "true",
                "é",
                "\"a\":1,");
        int taken = 0;
        for (int i = 0; i < 200_000; i++) {
            var text = new StringBuilder(random.nextBoolean() ? USUAL : LEAST);
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                int at = random.nextInt(text.length());
                String piece = alphabet.get(random.nextInt(alphabet.size()));
                switch (random.nextInt(3)) {
                    case 0 -> text.replace(at, at + 1, piece);
                    case 1 -> text.insert(at, piece);
                    default -> text.delete(at, Math.min(text.length(), at + 1 + random.nextInt(12)));
                }
            }
            License plain = PlainLicense.read(text.toString());
            if (plain != null) {
                taken++;
                assertThat(plain).as(text.toString()).isEqualTo(LicenseJson.parse(text.toString()));
            }
        }
        assertThat(taken).isGreaterThan(1000);
    }
}
