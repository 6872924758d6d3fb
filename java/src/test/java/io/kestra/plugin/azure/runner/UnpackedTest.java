package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class UnpackedTest {
    private static final String NAME = "library";

    @Test
    void only_its_owner_can_access_the_unpacked_library_and_it_is_deleted_afterwards(@TempDir Path parent) throws IOException {
        byte[] library = {1, 2, 3};
        Unpacked unpacked = Unpacked.into(parent, NAME, new ByteArrayInputStream(library));
        try (unpacked) {
            assertThat(unpacked.file().getParent()).isEqualTo(unpacked.directory());
            assertThat(unpacked.file()).hasBinaryContent(library);
            for (Path path : new Path[]{unpacked.directory(), unpacked.file()}) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).as(path.toString()).isEqualTo("rwx------");
            }
        }
        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void nothing_is_left_of_a_library_that_cannot_be_unpacked(@TempDir Path parent) {
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("No space left on device");
            }
        };
        InputStream library = new SequenceInputStream(new ByteArrayInputStream(new byte[]{1}), broken);
        assertThatThrownBy(() -> Unpacked.into(parent, NAME, library)).isInstanceOf(IOException.class).hasMessageContaining("No space left");
        assertThat(parent).isEmptyDirectory();
    }

    @Test
    void of_what_earlier_processes_left_that_goes_which_is_old_and_ours(@TempDir Path parent) throws IOException {
        Instant now = Instant.now();
        Path old = left(parent, "kestra-azure-batch-1", NAME, now.minusSeconds(1));
        Path current = left(parent, "kestra-azure-batch-2", NAME, now.plusSeconds(1));
        Path other = left(parent, "kestra-azure-3", NAME, now.minusSeconds(1));
        Path more = left(parent, "kestra-azure-batch-4", "another", now.minusSeconds(1));

        Unpacked.removeLeft(parent, NAME, now);

        assertThat(parent).isDirectoryNotContaining(old::equals);
        for (Path kept : new Path[]{current.resolve(NAME), other.resolve(NAME), more.resolve("another")}) {
            assertThat(kept).exists();
        }
    }

    private static Path left(Path parent, String directory, String file, Instant when) throws IOException {
        Path path = Files.createDirectory(parent.resolve(directory));
        Files.createFile(path.resolve(file));
        return Files.setLastModifiedTime(path, FileTime.from(when));
    }
}
