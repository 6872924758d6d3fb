package io.kestra.plugin.azure.runner;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Explains why the dynamic linker could not load the plugin's library, and says what to change. */
final class LinkFailure {
    private static final Pattern GLIBC = Pattern.compile("version [`']?(GLIBC_[0-9.]+)'? not found");
    private static final Pattern MISSING = Pattern.compile("([^:\\s]+): cannot open shared object file");

    private LinkFailure() {
    }

    /**
     * @param error the message of an {@link UnsatisfiedLinkError}
     * @param directory where the library was unpacked
     */
    static String explain(String error, String directory) {
        String message = String.valueOf(error);
        return meaning(message, directory) + " (" + message + ")";
    }

    private static String meaning(String message, String directory) {
        Matcher glibc = GLIBC.matcher(message);
        if (glibc.find()) {
            return "the C library of this worker's image is too old, " + glibc.group(1)
                + " is needed; use an image with a newer one, Debian 12 or Ubuntu 22.04 for example";
        }
        if (message.contains("Cannot allocate memory")) {
            return "there is no memory left for it; give the worker more";
        }
        if (message.contains("failed to map segment")) {
            return "files in " + directory + " may not be executed (noexec); let java.io.tmpdir name a directory that is not mounted noexec";
        }
        if (message.contains("wrong ELF class") || message.contains("Can't load AMD 64")) {
            return "it is built for x86_64, and this Java is not; use a 64-bit Java for x86_64";
        }
        if (isMusl(message)) {
            return "this worker's image has no glibc (Alpine Linux has musl instead); use an image with glibc, Debian 12 or Ubuntu 22.04 for example";
        }
        Matcher missing = MISSING.matcher(message);
        if (missing.find()) {
            return "this worker's image lacks " + missing.group(1) + "; install it, or use an image that has it, Debian 12 or Ubuntu 22.04 for example";
        }
        return "the linker refused it in " + directory;
    }

    /** musl has its own error messages; and files of glibc are missing only where there is no glibc. */
    private static boolean isMusl(String message) {
        return message.contains("ld-linux-x86-64.so.2") || message.contains("libc.so.6") || message.contains("Error relocating")
            || message.contains("Error loading shared library");
    }
}
