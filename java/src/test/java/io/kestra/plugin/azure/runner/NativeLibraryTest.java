package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class NativeLibraryTest {
    @ParameterizedTest
    @CsvSource({"Linux, aarch64", "Mac OS X, x86_64", "Windows 11, amd64"})
    void another_platform_is_refused_with_the_one_that_is_supported(String os, String arch) {
        assertThatThrownBy(() -> NativeLibrary.resource(os, arch))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("Linux x86_64")
            .hasMessageContaining(os + " " + arch);
    }

    @Test
    void both_names_of_x86_64_lead_to_the_same_library() {
        assertThat(NativeLibrary.resource("Linux", "amd64"))
            .isEqualTo(NativeLibrary.resource("Linux", "x86_64"))
            .isEqualTo("/native/linux-x86_64/libkestra_azure_batch.so");
    }
}
