package io.kestra.plugin.azure.runner;

import io.kestra.plugin.azure.runner.NativeLibrary.Unpacked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class NativeLibraryTest {
    @ParameterizedTest
    @CsvSource({"Linux, arm", "Linux, i386", "Linux, riscv64", "Mac OS X, aarch64", "Mac OS X, x86_64", "Windows 11, amd64"})
    void another_platform_is_refused_with_those_that_are_supported(String os, String arch) {
        assertThatThrownBy(() -> NativeLibrary.resource(os, arch))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("Linux x86_64 and Linux aarch64")
            .hasMessageContaining(os + " " + arch);
    }

    @ParameterizedTest
    @CsvSource({"amd64, linux-x86_64", "x86_64, linux-x86_64", "aarch64, linux-aarch64"})
    void each_machine_gets_its_own_library(String arch, String folder) {
        assertThat(NativeLibrary.resource("Linux", arch)).isEqualTo("/native/" + folder + "/libkestra_azure_batch.so");
    }

    @Test
    void a_jar_without_the_library_of_this_machine_says_so() {
        assertThatThrownBy(() -> NativeLibrary.open("/native/linux-none/libkestra_azure_batch.so"))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("built without /native/linux-none/libkestra_azure_batch.so")
            .hasMessageContaining("make dist");
    }

    @Test
    void only_its_owner_can_access_the_unpacked_library_and_it_is_deleted_afterwards(@TempDir Path parent) throws IOException {
        byte[] library = {1, 2, 3};
        Unpacked unpacked = Unpacked.into(parent, new ByteArrayInputStream(library));
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
        assertThatThrownBy(() -> Unpacked.into(parent, library)).isInstanceOf(IOException.class).hasMessageContaining("No space left");
        assertThat(parent).isEmptyDirectory();
    }
}
