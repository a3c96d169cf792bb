package licenseserver.config;

/** A setting that cannot be used; the message is one sentence that names it, for the person who set it. */
public final class ConfigException extends RuntimeException {
    ConfigException(String message) {
        super(message, null, false, false);
    }
}
