package licenseserver.config;

/** Reports a setting that cannot be used. The message is one sentence that names the setting and quotes no secret. */
public final class ConfigException extends RuntimeException {
    /** Creates an exception with this sentence for the operator. */
    public ConfigException(String sentence) {
        super(sentence, null, false, false);
    }
}
