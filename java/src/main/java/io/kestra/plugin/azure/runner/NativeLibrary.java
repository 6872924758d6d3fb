package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Map;

/** Loads the Rust library that is part of the plugin jar. */
final class NativeLibrary {
    private static final String FAILED = "The native library of the Azure Batch task runner could not be loaded: ";
    private static final String NAME = "kestra_azure_batch";
    // The names that Java has for a machine, with the one in the name of its library's folder.
    private static final Map<String, String> MACHINES = Map.of("amd64", "x86_64", "x86_64", "x86_64", "aarch64", "aarch64");

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

    /** Returns the path, on the class path, of the library for an operating system and architecture. */
    static String resource(String os, String arch) {
        String machine = MACHINES.get(arch);
        if (os.equals("Linux") && machine != null) {
            return "/native/linux-" + machine + "/lib" + NAME + ".so";
        }
        if (os.startsWith("Windows") && "x86_64".equals(machine)) {
            return "/native/windows-x86_64/" + NAME + ".dll";
        }
        throw new IllegalStateException("The Azure Batch task runner works on Linux x86_64 and Linux aarch64, and with a jar of its own on Windows x86_64, only; "
            + "this worker runs on " + os + " " + arch + ".");
    }

    /** Loads a copy of the library, because the JVM does not load one file in two class loaders. The copy is deleted when it has been loaded. */
    private static void loadCopy(String resource) {
        Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        String name = resource.substring(resource.lastIndexOf('/') + 1);
        try (InputStream library = open(resource); Unpacked unpacked = Unpacked.into(parent, name, library)) {
            System.load(unpacked.file().toString());
        } catch (UnsatisfiedLinkError e) {
            throw new IllegalStateException(FAILED + LinkFailure.explain(e.getMessage(), parent.toString()), e);
        } catch (IOException e) {
            throw new IllegalStateException(FAILED + "it could not be unpacked into " + parent
                + ", which must be writable and have room for it (java.io.tmpdir names it): " + e, e);
        }
    }

    /** @throws IllegalStateException if the jar was built without it */
    static InputStream open(String resource) {
        InputStream library = NativeLibrary.class.getResourceAsStream(resource);
        if (library == null) {
            throw new IllegalStateException(FAILED + "this plugin jar was built without " + resource
                + ", the one for this machine; use a jar that has it, as 'make dist' builds it");
        }
        return library;
    }
}
