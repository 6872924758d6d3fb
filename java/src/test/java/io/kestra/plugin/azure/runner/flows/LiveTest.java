package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs what {@code make live} runs, on the emulator and Azurite. */
class LiveTest {
    @TempDir
    private Path folder;

    @Test
    void all_variables_that_are_not_set_are_named_at_once() throws Exception {
        var live = Command.run(folder, Map.of(), List.of("env", "--ignore-environment", "AZURE_BATCH_POOL=my-pool", "scripts/live", "--check"));

        assertThat(live.exitCode()).isEqualTo(1);
        assertThat(live.output())
            .contains("AZURE_BATCH_ENDPOINT", "AZURE_BATCH_ACCOUNT", "AZURE_BATCH_ACCESS_KEY")
            .contains("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_CONTAINER")
            .doesNotContain("AZURE_BATCH_POOL");
    }

    @Test
    void every_flow_passes_and_is_named() throws Exception {
        var live = live(Map.of());

        assertThat(live.exitCode()).as(live.output()).isZero();
        assertThat(results(live, "PASS")).hasSize(6);
    }

    @Test
    void flows_that_do_not_do_what_they_should_are_named() throws Exception {
        var live = live(Map.of("AZURE_BATCH_POOL", "no-such-pool"));

        assertThat(live.exitCode()).as(live.output()).isEqualTo(1);
        assertThat(results(live, "FAIL")).anyMatch(line -> line.contains("seed: it ended FAILED, not SUCCESS"));
    }

    private Command live(Map<String, String> environment) throws Exception {
        return Command.run(folder, environment, List.of("scripts/live", folder.resolve("storage").toString()));
    }

    private static List<String> results(Command live, String result) {
        return live.output().lines().filter(line -> line.startsWith("[live] " + result)).toList();
    }
}
