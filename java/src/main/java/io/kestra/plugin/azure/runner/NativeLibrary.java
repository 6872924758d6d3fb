package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;

/** Loads the Rust library that travels inside the plugin jar. */
final class NativeLibrary {
    private static final String NAME = "libkestra_azure_batch.so";
    private static final Set<String> LINUX_X86_64 = Set.of("amd64", "x86_64");

    private static boolean loaded;

    private NativeLibrary() {
    }

    /** @throws IllegalStateException if this machine is not supported or the library cannot be loaded on it */
    static synchronized void load() {
        if (!loaded) {
            loadCopy(resource(System.getProperty("os.name"), System.getProperty("os.arch")));
            loaded = true;
        }
    }

    /** Where the library for an operating system and architecture is found on the class path. */
    static String resource(String os, String arch) {
        if (os.equals("Linux") && LINUX_X86_64.contains(arch)) {
            return "/native/linux-x86_64/" + NAME;
        }
        throw new IllegalStateException("The Azure Batch task runner works on Linux x86_64 only; this worker runs on " + os + " " + arch + ".");
    }

    /** A copy of its own for each class loader: the JVM refuses one file in two of them. Once loaded it is not needed any more. */
    private static void loadCopy(String resource) {
        try {
            Path copy = Files.createTempFile("kestra-azure-batch-", ".so");
            try {
                extract(resource, copy);
                System.load(copy.toString());
            } finally {
                Files.delete(copy);
            }
        } catch (IOException | UnsatisfiedLinkError e) {
            throw new IllegalStateException("The native library of the Azure Batch task runner could not be loaded from "
                + System.getProperty("java.io.tmpdir") + " (java.io.tmpdir must be writable and not mounted noexec): " + e.getMessage(), e);
        }
    }

    private static void extract(String resource, Path target) throws IOException {
        try (InputStream library = NativeLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new IOException("the plugin jar holds no " + resource);
            }
            Files.copy(library, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
