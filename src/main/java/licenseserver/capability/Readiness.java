package licenseserver.capability;

/** Whether a load balancer should send calls here. */
public enum Readiness {
    /** Calls are answered. */
    READY,
    /** Redis does not answer, but a "yes" to a validation is still given from memory. */
    DEGRADED,
    /** Redis does not answer, so no call can be. */
    STORE_UNAVAILABLE,
    /** Redis answers, but the data that was in it is gone, so every answer would be "no". */
    STORE_LOST,
    /** The user of Redis lacks a right, so some calls cannot be answered. */
    RIGHTS_MISSING,
    /** The server finishes what it has begun, and soon takes nothing new. */
    STOPPING
}
