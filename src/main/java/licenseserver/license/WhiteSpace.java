package licenseserver.license;

/** Removes the white space around a key or an address that someone has copied from elsewhere. */
final class WhiteSpace {
    private WhiteSpace() {}

    /**
     * Returns the text without white space around it, including no-break spaces, which {@link String#strip} leaves.
     */
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
