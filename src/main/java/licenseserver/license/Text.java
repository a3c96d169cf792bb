package licenseserver.license;

/** What text may hold. */
public final class Text {
    private Text() {}

    /** Whether it holds no control characters and no half surrogate pairs, which could not be stored and found again. */
    public static boolean isPrintable(String text) {
        return text.codePoints().noneMatch(c -> Character.isISOControl(c) || isHalf(c));
    }

    /** Whether it holds no half surrogate pairs. */
    public static boolean isStorable(String text) {
        return text.codePoints().noneMatch(Text::isHalf);
    }

    private static boolean isHalf(int codePoint) {
        return Character.getType(codePoint) == Character.SURROGATE;
    }
}
