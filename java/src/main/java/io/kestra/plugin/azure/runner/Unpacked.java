package io.kestra.plugin.azure.runner;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.AclEntry;
import java.nio.file.attribute.AclEntryFlag;
import java.nio.file.attribute.AclEntryPermission;
import java.nio.file.attribute.AclEntryType;
import java.nio.file.attribute.AclFileAttributeView;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The library as a file, in a new directory that only its owner can access: in a directory that others can write to,
 * they could replace the file before it is loaded. {@link #close()} deletes both.
 */
record Unpacked(Path directory, Path file) implements AutoCloseable {
    private static final String PREFIX = "kestra-azure-batch-";
    private static final boolean IS_POSIX = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    // Between unpacking and loading a file nothing keeps others from deleting it.
    private static final Duration LEFT = Duration.ofHours(1);

    static Unpacked into(Path parent, String name, InputStream library) throws IOException {
        if (!IS_POSIX) {
            removeLeft(parent, name, Instant.now().minus(LEFT));
        }
        Path directory = IS_POSIX ? Files.createTempDirectory(parent, PREFIX, OWNER_ONLY) : withAccessList(Files.createTempDirectory(parent, PREFIX));
        Unpacked unpacked = new Unpacked(directory, directory.resolve(name));
        try {
            unpacked.write(library);
            return unpacked;
        } catch (IOException | RuntimeException e) {
            unpacked.close();
            throw e;
        }
    }

    private void write(InputStream library) throws IOException {
        FileAttribute<?>[] attributes = IS_POSIX ? new FileAttribute<?>[]{OWNER_ONLY} : new FileAttribute<?>[0];
        Set<StandardOpenOption> newFile = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (OutputStream target = Channels.newOutputStream(Files.newByteChannel(file, newFile, attributes))) {
            library.transferTo(target);
        }
    }

    /** What Windows has instead of modes. What is in the directory inherits it. */
    private static Path withAccessList(Path directory) throws IOException {
        AclFileAttributeView view = Files.getFileAttributeView(directory, AclFileAttributeView.class);
        AclEntry owner = AclEntry.newBuilder()
            .setType(AclEntryType.ALLOW)
            .setPrincipal(view.getOwner())
            .setPermissions(EnumSet.allOf(AclEntryPermission.class))
            .setFlags(AclEntryFlag.FILE_INHERIT, AclEntryFlag.DIRECTORY_INHERIT)
            .build();
        view.setAcl(List.of(owner));
        return directory;
    }

    /** Windows keeps the file of a library that is loaded: then a later start {@linkplain #removeLeft removes} it. */
    @Override
    public void close() throws IOException {
        try {
            delete();
        } catch (AccessDeniedException e) {
            if (IS_POSIX) {
                throw e;
            }
        }
    }

    private void delete() throws IOException {
        Files.deleteIfExists(file);
        Files.deleteIfExists(directory);
    }

    /** Deletes what earlier processes unpacked before a time and had to leave. What is still loaded stays. */
    static void removeLeft(Path parent, String name, Instant before) {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(parent, PREFIX + "*")) {
            directories.forEach(directory -> removeOlder(new Unpacked(directory, directory.resolve(name)), before));
        } catch (IOException | DirectoryIteratorException e) {
            // It takes room and nothing else.
        }
    }

    private static void removeOlder(Unpacked left, Instant before) {
        try {
            if (Files.getLastModifiedTime(left.directory).toInstant().isBefore(before)) {
                left.delete();
            }
        } catch (IOException e) {
            // A process has loaded it, or has removed it a moment ago.
        }
    }
}
