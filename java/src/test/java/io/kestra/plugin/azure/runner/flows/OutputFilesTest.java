package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class OutputFilesTest {
    @Test
    void every_spelling_brings_what_kestra_takes_and_a_pattern_that_brought_nothing_is_named(Flows flows) throws Exception {
        var execution = flows.run("output_files.yaml");

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        var files = (Map<?, ?>) flows.engine.outputs(execution).get("outputFiles");
        assertThat(files.keySet()).map(Object::toString).containsExactlyInAnyOrder(
            "first.txt", "data/1.csv", "data/.2.csv", "more/4.csv", "$HOME.txt", "with space.txt", "by-regex-12.txt", ".a/.b/.c/x.glob", "1/2/3/4/x.deep");
        flows.awaitLine(execution, "outputFiles: the task did not create 'nothing-of-this'");
    }

    /** Kestra 2.0 stores it; the versions before fail the task in few words. */
    @Test
    void a_name_that_kestra_cannot_store_is_said(Flows flows) throws Exception {
        var execution = flows.run("output_name.yaml");

        flows.awaitLine(execution, "outputFiles: Kestra before 2.0 cannot store a file with the name 'report[1].csv'");
    }
}
