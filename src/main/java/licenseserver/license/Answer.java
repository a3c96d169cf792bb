package licenseserver.license;

import org.jspecify.annotations.Nullable;

/**
 * A verdict, and the license as it is with it.
 *
 * @param license null where there is none
 */
public record Answer(Verdict verdict, @Nullable License license) {}
