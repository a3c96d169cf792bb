package licenseserver.license;

import org.jspecify.annotations.Nullable;

/**
 * A verdict on a call, and the license it is about.
 *
 * @param license the license after the call; null if there is none
 */
public record Answer(Verdict verdict, @Nullable License license) {}
