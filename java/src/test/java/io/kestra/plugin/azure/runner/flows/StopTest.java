package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class StopTest {
    /** How long after its end an execution may still have an active job. */
    private static final Duration QUOTA_LIMIT = Duration.ofSeconds(10);

    private final Emulator emulator = new Emulator();

    @Test
    void kill_of_the_execution_leaves_no_active_job(Flows flows) throws Exception {
        var execution = flows.start("long.yaml", Map.of());
        flows.awaitLine(execution, "started");
        assertThat(Poll.until(QUOTA_LIMIT, () -> emulator.activeJobs().size() == 1)).as("control: the job that is to be killed").isTrue();

        var killed = flows.engine.kill(execution);

        assertThat(killed.getState().getCurrent()).isEqualTo(State.Type.KILLED);
        assertThat(Poll.until(QUOTA_LIMIT, () -> emulator.activeJobs().isEmpty())).as("no active job").isTrue();
        assertThat(flows.texts(execution)).noneMatch(text -> text.contains("finished"));
    }

    @Test
    void timeout_of_the_task_leaves_no_active_job(Flows flows) throws Exception {
        var jobsBefore = emulator.jobsCreated();

        var execution = flows.run("timeout.yaml");

        assertThat(execution.getState().getCurrent()).isEqualTo(State.Type.FAILED);
        assertThat(emulator.jobsCreated()).as("control: there was a job").isEqualTo(jobsBefore + 1);
        assertThat(Poll.until(QUOTA_LIMIT, () -> emulator.activeJobs().isEmpty())).as("no active job").isTrue();
    }

    @Test
    void kill_before_submit_creates_no_job(Flows flows) throws Exception {
        var jobsBefore = emulator.jobsCreated();

        try (var storage = new SilentServer()) {
            var execution = flows.start("silent_storage.yaml", Map.of("blobEndpoint", storage.endpoint() + "/silent"));
            storage.awaitConnection();
            var killed = flows.engine.kill(execution);
            assertThat(killed.getState().getCurrent()).isEqualTo(State.Type.KILLED);
        }

        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore);
    }
}
