package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;

/** Loads the Rust library that is part of the plugin jar. */
final class NativeLibrary {
    private static final String FAILED = "The native library of the Azure Batch task runner could not be loaded: ";
    private static final String NAME = "libkestra_azure_batch.so";
    // The names that Java has for a machine, with the folder of its library.
    private static final Map<String, String> FOLDERS = Map.of("amd64", "linux-x86_64", "x86_64", "linux-x86_64", "aarch64", "linux-aarch64");
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

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
        if (os.equals("Linux") && FOLDERS.containsKey(arch)) {
            return "/native/" + FOLDERS.get(arch) + "/" + NAME;
        }
        throw new IllegalStateException("The Azure Batch task runner works on Linux x86_64 and Linux aarch64 only; this worker runs on "
            + os + " " + arch + ".");
    }

    /** Loads a copy of the library, because the JVM does not load one file in two class loaders. The copy is deleted when it has been loaded. */
    private static void loadCopy(String resource) {
        Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        try (InputStream library = open(resource); Unpacked unpacked = Unpacked.into(parent, library)) {
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

    /**
     * The library as a file, in a new directory that only its owner can access: in a directory that others can write to,
     * they could replace the file before it is loaded. {@link #close()} deletes both.
     */
    record Unpacked(Path directory, Path file) implements AutoCloseable {
        static Unpacked into(Path parent, InputStream library) throws IOException {
            Path directory = Files.createTempDirectory(parent, "kestra-azure-batch-", OWNER_ONLY);
            Unpacked unpacked = new Unpacked(directory, directory.resolve(NAME));
            try {
                unpacked.write(library);
                return unpacked;
            } catch (IOException | RuntimeException e) {
                unpacked.close();
                throw e;
            }
        }

        private void write(InputStream library) throws IOException {
            Set<StandardOpenOption> newFile = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            try (OutputStream target = Channels.newOutputStream(Files.newByteChannel(file, newFile, OWNER_ONLY))) {
                library.transferTo(target);
            }
        }

        @Override
        public void close() throws IOException {
            Files.deleteIfExists(file);
            Files.deleteIfExists(directory);
        }
    }
}
