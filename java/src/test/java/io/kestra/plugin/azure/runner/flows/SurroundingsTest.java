package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo with other settings of the launcher: each test starts a launcher, which runs the demo. */
class SurroundingsTest {
    private static final List<String> LINES = List.of("Hello from Azure Batch and kestra!", "Host's network name: ", "Python version: ",
        "Platform information (instance type): ", "OS/Arch: linux/", "Hello from a namespace file!");

    @TempDir
    private Path folder;

    @Test
    void logs_that_appear_only_at_the_end_are_complete() throws Exception {
        var demo = demo("--emulator-switches=--logs at-end", "--");

        assertThat(demo.exitCode()).as(demo.output()).isZero();
        for (var line : LINES) {
            assertThat(logged(demo, line)).as(line).hasSize(1);
        }
    }

    @Test
    void an_untrusted_certificate_fails_the_run_and_is_named_with_the_endpoint() throws Exception {
        var demo = demo("--tls", "--", "env", "--unset=SSL_CERT_FILE");

        assertThat(demo.exitCode()).as(demo.output()).isEqualTo(1);
        assertThat(logged(demo, "endpoint: ")).anyMatch(line -> line.contains("https://127.0.0.1:") && line.contains("certificate"));
    }

    private Command demo(String... launcher) throws IOException, InterruptedException {
        var words = Stream.of(Stream.of("tests/kit/launch"), Stream.of(launcher), Stream.of("scripts/engine", folder.resolve("storage").toString()));
        return Command.run(folder, Map.of(), words.flatMap(each -> each).toList());
    }

    /** Returns the lines that a flow has logged and that contain a text. */
    private static List<String> logged(Command demo, String text) {
        return demo.output().lines().filter(line -> line.contains(" | ") && line.contains(text)).toList();
    }
}
