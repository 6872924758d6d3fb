package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

class LinkFailureTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /t/l.so) | GLIBC_2.34 is needed",
        "/t/l.so: Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /t/l.so) | no glibc",
        "/t/l.so: Error loading shared library ld-linux-aarch64.so.1: No such file or directory (needed by /t/l.so) | no glibc",
        "/t/l.so: Error loading shared library libgcc_s.so.1: No such file or directory (needed by /t/l.so) | no glibc",
        "/t/l.so: Error relocating /t/l.so: __res_init: symbol not found | no glibc",
        "ld-linux-aarch64.so.1: cannot open shared object file: No such file or directory | no glibc",
        "ld-linux-x86-64.so.2: cannot open shared object file: No such file or directory | no glibc",
        "/t/l.so: libgcc_s.so.1: cannot open shared object file: No such file or directory | image lacks libgcc_s.so.1",
        "/t/l.so: /t/l.so: failed to map segment from shared object: Operation not permitted | not mounted noexec",
        "/t/l.so: /t/l.so: failed to map segment from shared object: Cannot allocate memory | no memory left",
        "/t/l.so: /t/l.so: wrong ELF class: ELFCLASS64 (Possible cause: architecture word width mismatch) | 64-bit Java",
        "/t/l.so: Can't load AMD 64 .so on a AARCH64 platform | 64-bit Java for the worker's own",
        "/t/l.so: Can't load AARCH64 .so on a AMD 64 platform | 64-bit Java for the worker's own",
        "C:\\t\\l.dll: Can't find dependent libraries | use Windows 10",
        "C:\\t\\l.dll: Can't load AMD 64-bit .dll on a IA 32-bit platform | 64-bit Java",
        "/t/l.so: invalid ELF header | the linker refused it in /t",
    })
    void every_error_of_the_linker_is_explained_with_what_to_change(String error, String meaning) {
        assertThat(LinkFailure.explain(error, "/t")).contains(meaning).contains(error);
        assertThat(LinkFailure.explain(error, "/t").contains("noexec")).isEqualTo(meaning.contains("noexec"));
    }

    @Test
    void an_error_without_a_message_is_explained_too() {
        assertThat(LinkFailure.explain(null, "/t")).contains("/t");
    }
}
