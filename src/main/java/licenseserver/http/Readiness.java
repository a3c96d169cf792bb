package licenseserver.http;

/** Whether a load balancer should send calls here. */
public enum Readiness {
    /** Calls are answered. */
    READY,
    /** Redis does not answer, so no call can be. */
    STORE_UNAVAILABLE,
    /** The server finishes what it has begun, and soon takes nothing new. */
    STOPPING
}
