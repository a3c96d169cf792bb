package licenseserver.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.Machine;
import licenseserver.license.RandomLicenses;
import licenseserver.license.Terms;
import licenseserver.store.LicenseJson;
import org.junit.jupiter.api.Test;

/** What sellers' scripts read, byte for byte. */
class ShownLicenseTest {
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final Instant TIME = Instant.ofEpochMilli(1_719_000_000_000L);

    @Test
    void leaves_out_what_is_unset() {
        var license = new License(KEY, "ada@example.com", TIME, Terms.of(3), false, null, List.of(), List.of(), "");

        assertThat(ShownLicense.encode(license))
                .isEqualTo("{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"ada@example.com\",\"createdAt\":1719000000000,"
                        + "\"maxMachines\":3,\"disabled\":false,\"machines\":[]}");
    }

    @Test
    void shows_every_field_in_its_place() {
        var license = new License(
                KEY,
                "Ada@Example.com",
                TIME,
                new Terms(
                        3,
                        Instant.ofEpochMilli(1_750_536_000_000L),
                        "Studio",
                        "{\"order\" : 4711, \"price\":1.0}",
                        "two\nlines",
                        60,
                        10),
                true,
                "refunded",
                List.of(
                        new Machine("laptop", TIME, null, null, ""),
                        new Machine("a \"b\" \\ é", TIME, "Ada’s laptop", TIME.plusSeconds(3600), "\"os\":\"linux\"")),
                List.of(new Machine("laptop", TIME, null, null, "")),
                "\"plan\":{\"later\":[true,null]}");

        assertThat(ShownLicense.encode(license))
                .isEqualTo("{\"key\":\"K7FH-WP3A-M9QZ-B2CD\",\"email\":\"Ada@Example.com\","
                        + "\"createdAt\":1719000000000,\"maxMachines\":3,\"disabled\":true,\"machines\":["
                        + "{\"machineId\":\"laptop\",\"activatedAt\":1719000000000},"
                        + "{\"machineId\":\"a \\\"b\\\" \\\\ é\",\"activatedAt\":1719000000000,"
                        + "\"label\":\"Ada’s laptop\",\"lastSeenAt\":1719003600000,\"os\":\"linux\"}],"
                        + "\"disabledReason\":\"refunded\",\"expiresAt\":1750536000000,\"product\":\"Studio\","
                        + "\"metadata\":{\"order\" : 4711, \"price\":1.0},\"notes\":\"two\\nlines\",\"idleDays\":60,"
                        + "\"newMachinesPer30Days\":10,"
                        + "\"newMachines\":[{\"machineId\":\"laptop\",\"activatedAt\":1719000000000}],"
                        + "\"plan\":{\"later\":[true,null]}}");
    }

    /** Someone who mends a record starts from what is shown. */
    @Test
    void is_a_record_that_can_be_read() {
        var licenses = new RandomLicenses(11);
        for (int i = 0; i < 1_000; i++) {
            License license = licenses.get();

            assertThat(LicenseJson.decode(ShownLicense.encode(license))).isEqualTo(license);
        }
    }
}
