package licenseserver.license;

/** What text may hold. */
public final class Text {
    private Text() {}

    /** Whether it holds no control characters and no half surrogate pairs, which could not be stored and found again. */
    public static boolean isPrintable(String text) {
        // Asked of each machine id that is validated, and nearly all are plain: a stream would take as long as all the
        // rules.
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~') {
                return text.codePoints().noneMatch(other -> Character.isISOControl(other) || isHalf(other));
            }
        }
        return true;
    }

    /** Whether it holds no half surrogate pairs. */
    public static boolean isStorable(String text) {
        return text.codePoints().noneMatch(Text::isHalf);
    }

    private static boolean isHalf(int codePoint) {
        return Character.getType(codePoint) == Character.SURROGATE;
    }
}
