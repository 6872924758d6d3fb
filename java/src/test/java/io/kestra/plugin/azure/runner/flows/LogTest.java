package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.time.Instant;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class LogTest {
    private static final Pattern COUNT = Pattern.compile("line (\\d+) at (\\d+)");
    private static final int LINES = 20;

    @Test
    void each_line_is_in_the_flow_before_the_third_next_is_printed(Flows flows) throws Exception {
        var execution = flows.run("counting.yaml");
        flows.awaitLine(execution, "line " + LINES + " at ");

        var printed = new TreeMap<Integer, Instant>();
        var arrived = new TreeMap<Integer, Instant>();
        for (var line : flows.log(execution)) {
            var match = COUNT.matcher(line.text());
            if (match.matches()) {
                printed.put(Integer.valueOf(match.group(1)), Instant.ofEpochSecond(0, Long.parseLong(match.group(2))));
                arrived.put(Integer.valueOf(match.group(1)), line.arrived());
            }
        }

        assertThat(printed).hasSize(LINES);
        for (int n = 1; n + 3 <= LINES; n++) {
            assertThat(arrived.get(n)).as("line %d in the flow", n).isBefore(printed.get(n + 3));
        }
    }

    @Test
    void exit_code_3_fails_the_task_with_3_and_with_its_logs(Flows flows) throws Exception {
        var execution = flows.run("exit_code.yaml");

        assertThat(execution.getState().getCurrent()).isEqualTo(State.Type.FAILED);
        assertThat(flows.engine.outputs(execution)).containsEntry("exitCode", 3);
        flows.awaitLine(execution, "about to fail");
        flows.awaitLine(execution, "last words");
    }

    @Test
    void a_run_whose_inputs_have_no_storage_warns_and_goes_on(Flows flows) throws Exception {
        var execution = flows.run("inputs_without_storage.yaml");

        flows.awaitLine(execution, "ran without its inputs");
        assertThat(flows.awaitLine(execution, "blobStorage").entry().getLevel()).isEqualTo(org.slf4j.event.Level.WARN);
    }
}
