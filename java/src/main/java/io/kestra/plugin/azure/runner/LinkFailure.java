package io.kestra.plugin.azure.runner;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Explains why the dynamic linker could not load the plugin's library, and says what to change. */
final class LinkFailure {
    private static final Pattern GLIBC = Pattern.compile("version [`']?(GLIBC_[0-9.]+)'? not found");
    // glibc's linker: ld-linux-x86-64.so.2, ld-linux-aarch64.so.1.
    private static final String GLIBC_LINKER = "ld-linux-";
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
        if (message.contains("wrong ELF class") || message.contains("Can't load ")) {
            return "it is built for another kind of machine than this Java; use a 64-bit Java for the worker's own, x86_64 or aarch64";
        }
        if (message.contains("Can't find dependent libraries")) {
            return "this Windows is too old for it; use Windows 10, Windows Server 2016 or a newer one";
        }
        if (isMusl(message)) {
            return "this worker's image has no glibc (Alpine Linux has musl instead), for which it is built; "
                + "use an image with glibc, Kestra's own, Debian or Ubuntu for example";
        }
        Matcher missing = MISSING.matcher(message);
        if (missing.find()) {
            return "this worker's image lacks " + missing.group(1) + "; install it, or use an image that has it, Debian 12 or Ubuntu 22.04 for example";
        }
        return "the linker refused it in " + directory;
    }

    /** musl has its own error messages; and files of glibc are missing only where there is no glibc. */
    private static boolean isMusl(String message) {
        return message.contains(GLIBC_LINKER) || message.contains("libc.so.6") || message.contains("Error relocating")
            || message.contains("Error loading shared library");
    }
}
