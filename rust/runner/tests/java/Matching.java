import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which files the JDK finds, as the tests' oracle.
 *
 * <p>A line of standard input has three parts with blanks between them: a directory, patterns and names below the directory. Patterns and names have
 * commas between them, and each text is hexadecimal UTF-8 behind a dot. The line that answers has for each pattern the positions of the names that
 * it matches, with commas between them, or {@code invalid}; and a blank between two patterns.
 */
public final class Matching {
    public static void main(String[] args) throws IOException {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var parts = line.split(" ", -1);
            var directory = Path.of(text(parts[0]));
            var names = texts(parts[2]);
            System.out.println(Arrays.stream(texts(parts[1])).map(pattern -> matching(directory, pattern, names)).collect(Collectors.joining(" ")));
        }
    }

    private static String matching(Path directory, String pattern, String[] names) {
        try {
            var matcher = FileSystems.getDefault().getPathMatcher(withSyntax(directory, pattern));
            var matching = IntStream.range(0, names.length).filter(n -> matcher.matches(directory.resolve(names[n])));
            return matching.mapToObj(Integer::toString).collect(Collectors.joining(","));
        } catch (IllegalArgumentException e) {
            return "invalid";
        }
    }

    /** As Kestra's {@code PathMatcherPredicate} does. */
    private static String withSyntax(Path directory, String pattern) {
        if (pattern.startsWith("glob:") || pattern.startsWith("regex:")) {
            return pattern;
        }
        var isAbsolute = pattern.startsWith("/") || pattern.startsWith("\\");
        return "glob:" + (directory + (isAbsolute ? "" : "/") + pattern).replace('\\', '/');
    }

    private static String[] texts(String part) {
        return part.isEmpty() ? new String[0] : Arrays.stream(part.split(",")).map(Matching::text).toArray(String[]::new);
    }

    private static String text(String hex) {
        return new String(HexFormat.of().parseHex(hex.substring(1)), StandardCharsets.UTF_8);
    }
}
