package licenseserver.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;

class AdminSecretTest {
    private final AdminSecret secret = new AdminSecret("s3cret");

    @Test
    void authorizes_exactly_its_bearer() {
        assertThat(secret.authorizes("Bearer s3cret")).isTrue();
    }

    @ParameterizedTest
    @NullAndEmptySource
    @ValueSource(
            strings = {
                "Bearer",
                "Bearer ",
                "Bearer undefined",
                "Bearer null",
                "s3cret",
                "bearer s3cret",
                "BEARER s3cret",
                "Basic s3cret",
                "Bearer  s3cret",
                "Bearer\ts3cret",
                "Bearer s3cret ",
                " Bearer s3cret",
                "Bearer s3cre",
                "Bearer s3crett",
                "Bearer S3CRET",
                "Bearer s3cret, Bearer s3cret",
                "Bearer s3cret\u0000"
            })
    void authorizes_nothing_else(@Nullable String header) {
        assertThat(secret.authorizes(header)).isFalse();
    }

    @Test
    void is_never_empty() {
        assertThatThrownBy(() -> new AdminSecret("")).isInstanceOf(IllegalArgumentException.class);
    }
}
