package licenseserver.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import licenseserver.license.Email;
import licenseserver.license.License;
import licenseserver.license.LicenseKey;
import licenseserver.license.RandomLicenses;
import licenseserver.store.StoredLicense.Absent;
import licenseserver.store.StoredLicense.Gone;
import licenseserver.store.StoredLicense.Moving;
import licenseserver.store.StoredLicense.Settled;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StoredLicenseTest {
    private static final LicenseKey KEY = new LicenseKey("K7FH-WP3A-M9QZ-B2CD");
    private static final LicenseKey OTHER_KEY = new LicenseKey("OTHER");

    private final RandomLicenses licenses = new RandomLicenses(1);

    @Nested
    class Nothing {
        @Test
        void is_absent() {
            assertThat(StoredLicense.decode(KEY, Optional.empty())).isEqualTo(new Absent());
            assertThat(new Absent().visible()).isEmpty();
        }
    }

    @Nested
    class ALicense {
        @Test
        void is_settled_and_visible() {
            for (int i = 0; i < 300; i++) {
                License license = licenses.get();

                StoredLicense stored = decode(license.key(), LicenseJson.encode(license));

                assertThat(stored).isEqualTo(new Settled(license));
                assertThat(stored.visible()).contains(license);
            }
        }
    }

    @Nested
    class WhatIsLeft {
        @Test
        void is_gone_and_not_visible() {
            assertThat(decode(StoredLicense.GONE)).isEqualTo(new Gone());
            assertThat(new Gone().visible()).isEmpty();
        }
    }

    @Nested
    class AMove {
        @Test
        void is_read_back_as_it_was_written() {
            for (int i = 0; i < 300; i++) {
                var moving = new Moving(licenses.get(), licenses.get(), List.of("{\"n\":1}", "\"\\\ud83d\ude00\u0000"));

                assertThat(decode(moving.from().key(), moving.encode())).isEqualTo(moving);
            }
        }

        @Test
        void to_another_email_is_visible_as_it_was() {
            License license = licenses.get();
            var to = new License(
                    license.key(),
                    new Email("new@example.com").address(),
                    license.createdAt(),
                    license.terms(),
                    license.disabled(),
                    license.disabledReason(),
                    license.machines(),
                    license.newMachines(),
                    license.unknownFields());
            var moving = new Moving(license, to, List.of());

            assertThat(moving.leavesItsKey()).isFalse();
            assertThat(decode(license.key(), moving.encode()).visible()).contains(license);
        }

        @Test
        void to_another_key_is_not_visible() {
            License license = licenses.get();
            var moving = new Moving(license, license.withKey(OTHER_KEY), List.of());

            assertThat(moving.leavesItsKey()).isTrue();
            assertThat(decode(moving.encode()).visible()).isEmpty();
        }

        @Test
        void to_nowhere_is_not_visible() {
            var moving = new Moving(licenses.get(), null, List.of("{\"n\":1}"));

            assertThat(moving.leavesItsKey()).isTrue();
            assertThat(decode(moving.from().key(), moving.encode())).isEqualTo(moving);
            assertThat(moving.visible()).isEmpty();
        }
    }

    @Nested
    class Unreadable {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "null",
                    "{}",
                    "{\"gone\":false}",
                    "{\"gone\":true} ",
                    "{\"moving\":",
                    "{\"moving\":5}",
                    "{\"moving\":{}}",
                    "{\"moving\":\"{}\"}",
                    "{\"moving\":\"hidden\",\"events\":[]}",
                    "[\"moving\"]",
                    "{\"moving\":null,\"events\":[]}",
                    "{\"moving\":\"{\\\"key\\\":\\\"K\\\",\\\"email\\\":\\\"a@b\\\",\\\"createdAt\\\":0,\\\"maxMachines\\\":1}\"}"
                })
        void is_whatever_else_is_there_and_not_quoted(String record) {
            assertUnreadable(record);
        }
    }

    private static StoredLicense decode(String record) {
        return decode(KEY, record);
    }

    private static StoredLicense decode(LicenseKey name, String record) {
        return StoredLicense.decode(name, Optional.of(record));
    }

    static void assertUnreadable(String record) {
        assertThatThrownBy(() -> decode(record))
                .isInstanceOf(UnreadableLicenseException.class)
                .hasMessageStartingWith("license:…B2CD: ")
                .hasMessageNotContainingAny("hidden", "K7FH");
    }
}
