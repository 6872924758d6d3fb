package io.kestra.plugin.azure.runner;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the dynamic linker's words mean for a library that came with the plugin, and what to change. */
final class LinkFailure {
    private static final Pattern GLIBC = Pattern.compile("version [`']?(GLIBC_[0-9.]+)'? not found");
    private static final Pattern MISSING = Pattern.compile("([^:\\s]+): cannot open shared object file");

    private LinkFailure() {
    }

    /**
     * @param said the message of an {@link UnsatisfiedLinkError}
     * @param directory where the library was unpacked
     */
    static String explain(String said, String directory) {
        String words = String.valueOf(said);
        return meaning(words, directory) + " (" + words + ")";
    }

    private static String meaning(String said, String directory) {
        Matcher glibc = GLIBC.matcher(said);
        if (glibc.find()) {
            return "the C library of this worker's image is too old, " + glibc.group(1)
                + " is needed; use an image with a newer one, Debian 12 or Ubuntu 22.04 for example";
        }
        if (said.contains("Cannot allocate memory")) {
            return "there is no memory left for it; give the worker more";
        }
        if (said.contains("failed to map segment")) {
            return "files in " + directory + " may not be executed (noexec); let java.io.tmpdir name a directory that is not mounted noexec";
        }
        if (said.contains("wrong ELF class") || said.contains("Can't load AMD 64")) {
            return "it is built for x86_64, and this Java is not; use a 64-bit Java for x86_64";
        }
        if (isMusl(said)) {
            return "this worker's image has no glibc (Alpine Linux has musl instead); use an image with glibc, Debian 12 or Ubuntu 22.04 for example";
        }
        Matcher missing = MISSING.matcher(said);
        if (missing.find()) {
            return "this worker's image lacks " + missing.group(1) + "; install it, or use an image that has it, Debian 12 or Ubuntu 22.04 for example";
        }
        return "the linker refused it in " + directory;
    }

    /** musl words its errors in its own way, and glibc's own parts are missing only where glibc is. */
    private static boolean isMusl(String said) {
        return said.contains("ld-linux-x86-64.so.2") || said.contains("libc.so.6") || said.contains("Error relocating")
            || said.contains("Error loading shared library");
    }
}
