package licenseserver.license;

/** What surrounds a key or an address that was copied from elsewhere. */
final class WhiteSpace {
    private WhiteSpace() {}

    /** The text without surrounding white space of any kind, no-break spaces included, which {@link String#strip} leaves. */
    static String strip(String text) {
        int start = 0;
        int end = text.length();
        while (start < end && isWhiteSpace(text.charAt(start))) {
            start++;
        }
        while (start < end && isWhiteSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(start, end);
    }

    private static boolean isWhiteSpace(char character) {
        return Character.isWhitespace(character) || Character.isSpaceChar(character);
    }
}
