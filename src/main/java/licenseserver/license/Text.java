package licenseserver.license;

/** Checks which characters a text contains. */
final class Text {
    private Text() {}

    /**
     * Returns whether a text contains neither control characters nor halves of surrogate pairs. A half could not be
     * stored and found again.
     */
    static boolean isPrintable(String text) {
        // This runs in each validation. Nearly all texts are ASCII, and a stream would take as long as all rules
        // together.
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                return text.codePoints().noneMatch(other -> Character.isISOControl(other) || isHalf(other));
            }
        }
        return true;
    }

    private static boolean isHalf(int codePoint) {
        return Character.getType(codePoint) == Character.SURROGATE;
    }
}
