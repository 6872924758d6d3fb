package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class NativeLibraryTest {
    @ParameterizedTest
    @CsvSource({"Linux, arm", "Linux, i386", "Linux, riscv64", "Mac OS X, aarch64", "Mac OS X, x86_64", "Windows 11, aarch64", "Windows 10, x86"})
    void another_platform_is_refused_with_those_that_are_supported(String os, String arch) {
        assertThatThrownBy(() -> NativeLibrary.resource(os, arch))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("Linux x86_64 and Linux aarch64")
            .hasMessageContaining("Windows x86_64")
            .hasMessageContaining(os + " " + arch);
    }

    @ParameterizedTest
    @CsvSource({"amd64, linux-x86_64", "x86_64, linux-x86_64", "aarch64, linux-aarch64"})
    void each_machine_gets_its_own_library(String arch, String folder) {
        assertThat(NativeLibrary.resource("Linux", arch)).isEqualTo("/native/" + folder + "/libkestra_azure_batch.so");
    }

    @ParameterizedTest
    @CsvSource({"Windows 11, amd64", "Windows Server 2022, amd64", "Windows 10, x86_64"})
    void every_windows_gets_the_same_library(String os, String arch) {
        assertThat(NativeLibrary.resource(os, arch)).isEqualTo("/native/windows-x86_64/kestra_azure_batch.dll");
    }

    @Test
    void a_jar_without_the_library_of_this_machine_says_so() {
        assertThatThrownBy(() -> NativeLibrary.open("/native/linux-none/libkestra_azure_batch.so"))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("built without /native/linux-none/libkestra_azure_batch.so")
            .hasMessageContaining("make dist");
    }
}
