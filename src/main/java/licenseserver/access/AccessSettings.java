package licenseserver.access;

import java.util.List;
import licenseserver.config.Section;
import licenseserver.config.Setting;
import licenseserver.config.Values;
import org.jspecify.annotations.Nullable;

/**
 * How callers prove who they are.
 *
 * @param adminSecret the secret for admin calls; null if none is set
 */
public record AccessSettings(@Nullable String adminSecret) {
    private static final Setting<String> ADMIN_SECRET = Setting.secret(
                    "ADMIN_SECRET",
                    "The secret for admin calls (`Authorization: Bearer ...`): long, random, visible ASCII without"
                            + " spaces. Required with `REDIS_URL`. If neither is set, the server makes a secret"
                            + " and keeps it in `DATA_DIR/admin-secret`.")
            .matching("[!-~]*", "holds a character that a header cannot carry; use visible ASCII without spaces.");

    /** The settings that this record is read from. */
    public static final Section SECTION = new Section("Access", List.of(ADMIN_SECRET));

    /**
     * Reads these settings.
     *
     * @throws licenseserver.config.ConfigException if one cannot be used
     */
    public static AccessSettings from(Values values) {
        String adminSecret = values.get(ADMIN_SECRET);
        return new AccessSettings(adminSecret.isEmpty() ? null : adminSecret);
    }

    /** Shows no secret. */
    @Override
    public String toString() {
        return "AccessSettings";
    }
}
