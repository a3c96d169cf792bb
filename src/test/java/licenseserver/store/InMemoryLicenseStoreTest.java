package licenseserver.store;

import static licenseserver.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import licenseserver.license.Decision.Keep;
import licenseserver.license.Email;
import licenseserver.license.LicenseKey;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class InMemoryLicenseStoreTest extends LicenseStoreContract {
    private final InMemoryLicenseStore store = new InMemoryLicenseStore(HISTORY);

    @Override
    LicenseStore store() {
        return store;
    }

    @Override
    void put(String name, String text) {
        store.put(name, text);
    }

    @Override
    @Nullable
    String stored(String name) {
        return store.get(name);
    }

    @Nested
    class ImportedRecord {
        private final LicenseKey key = new LicenseKey("LEGACY-1");

        @Test
        void is_found_by_key_and_email() {
            store.put(
                    "license:LEGACY-1",
                    "{\"key\":\"LEGACY-1\",\"email\":\"Old@Example.com\",\"createdAt\":1,\"maxMachines\":1}");
            store.put("email:old@example.com", "LEGACY-1");

            assertThat(await(store.find(key))).isPresent();
            assertThat(await(store.findByEmail(new Email("old@example.com")))).isEqualTo(await(store.find(key)));
        }

        @Test
        void that_is_no_license_cannot_be_read() {
            store.put("license:LEGACY-1", "{}");

            assertThatThrownBy(() -> await(store.find(key))).isInstanceOf(UnreadableLicenseException.class);
            assertThatThrownBy(() -> await(store.update(key, Keep::new)))
                    .isInstanceOf(UnreadableLicenseException.class);
        }
    }
}
