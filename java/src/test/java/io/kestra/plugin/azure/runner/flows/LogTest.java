package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class LogTest {
    private static final int LINES = 20;
    private static final int ACCEPT_MILLIS = 60_000;

    @Test
    void each_line_is_in_the_flow_before_the_third_next_is_printed(Flows flows) throws Exception {
        try (var server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            server.setSoTimeout(ACCEPT_MILLIS);
            var execution = flows.start("awaited_lines.yaml", Map.of("port", server.getLocalPort()));
            try (var task = server.accept()) {
                for (int n = 1; n <= LINES; n++) {
                    flows.awaitLine(execution, "line " + n);
                    // The task waits for this before it prints the third next line.
                    if (n + 3 <= LINES) {
                        task.getOutputStream().write('\n');
                    }
                }
            }
            assertThat(flows.engine.awaitEnd(execution, Flows.LIMIT).getState().getCurrent()).isEqualTo(State.Type.SUCCESS);
        }
    }

    @Test
    void lines_of_one_go_are_in_order_and_keep_their_levels(Flows flows) throws Exception {
        var execution = flows.run("at_one_go.yaml");
        flows.awaitLine(execution, "line 2001");
        flows.awaitLine(execution, "careful");

        var lines = flows.texts(execution);

        assertThat(lines.stream().filter(line -> line.contains(" line ")))
            .containsExactlyElementsOf(IntStream.rangeClosed(1, 2001).mapToObj(n -> (n == 2001 ? "WARN" : "INFO") + " line " + n).toList());
        assertThat(lines).contains("ERROR careful", "INFO braces {} and \"quotes\" \\ ünd 🚀");
        assertThat(lines).contains(Kestra.PREPARATION_LEVEL + " prepared").noneMatch(line -> line.contains("##kestra"));
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
        assertThat(flows.awaitLine(execution, "blobStorage").getLevel()).isEqualTo(org.slf4j.event.Level.WARN);
    }
}
