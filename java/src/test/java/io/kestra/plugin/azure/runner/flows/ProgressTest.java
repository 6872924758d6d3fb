package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.LogEntry;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class ProgressTest {
    private static final Duration LOG_LIMIT = Duration.ofSeconds(30);

    @Test
    void kestra_is_told_the_steps_of_a_run(Flows flows) throws Exception {
        var execution = flows.run("seed.yaml");
        var expected = List.of("files.staged", "job.submitted", "task.completed", "files.collected");

        // Entries may reach the log shortly after the execution has ended.
        Poll.until(LOG_LIMIT, () -> steps(flows.log(execution)).containsAll(expected));
        assertThat(steps(flows.log(execution))).containsAll(expected);
        assertThat(flows.awaitLine(execution, "submitted to pool").getLevel()).isEqualTo(org.slf4j.event.Level.INFO);
    }

    private static List<String> steps(List<LogEntry> log) {
        return log.stream().map(LogEntry::getProgress).filter(Objects::nonNull).toList();
    }
}
