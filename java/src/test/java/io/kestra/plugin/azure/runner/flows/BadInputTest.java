package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kestra.core.models.flows.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.event.Level;

@ExtendWith(EngineExtension.class)
class BadInputTest {
    private final Emulator emulator = new Emulator();

    @ParameterizedTest
    @CsvSource(quoteCharacter = '"', value = {
        "endpoint, endpoint:",
        "access_key, accessKey:",
        "no_pool, poolId:",
        "pool, poolId: there is no pool 'no-such-pool'",
        "image, containerImage:",
        "target_os, targetOS:",
        "half_storage, blobStorage.sharedKeyAccountAccessKey:",
        "container, blobStorage.containerName:",
        "connection_string, blobStorage.connectionString:",
        "outputs_without_storage, blobStorage:",
        "output_pattern, outputFiles: '*.{csv' is not a pattern",
    })
    void bad_input_fails_with_its_name_and_creates_no_job(String file, String named, Flows flows) throws Exception {
        var jobsBefore = emulator.jobsCreated();

        var execution = flows.run("bad/" + file + ".yaml");

        assertThat(execution.getState().getCurrent()).isEqualTo(State.Type.FAILED);
        assertThat(flows.awaitLine(execution, named).getLevel()).isEqualTo(Level.ERROR);
        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore);
    }

    @Test
    void misspelt_property_is_refused_by_name(Flows flows) {
        assertThatThrownBy(() -> flows.engine.loadFlow(Flows.FOLDER.resolve("bad/misspelt_pool.yaml"))).hasMessageContaining("\"poolid\"");
    }
}
