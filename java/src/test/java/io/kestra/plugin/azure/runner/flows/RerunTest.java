package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import io.kestra.core.runners.TestRunnerUtils;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A task that is run again does its work again: it takes neither the outcome nor the job of the earlier run. */
@ExtendWith(EngineExtension.class)
class RerunTest {
    private final Emulator emulator = new Emulator();
    private long jobsBefore;

    @BeforeEach
    void countJobs() throws IOException {
        jobsBefore = emulator.jobsCreated();
    }

    @Test
    void a_retry_of_a_failed_task_is_a_new_run(Flows flows) throws Exception {
        var execution = flows.run("retry.yaml");

        assertPassedOnTheSecondAttempt(flows, execution);
    }

    @Test
    void a_restart_of_a_failed_execution_is_a_new_run(Flows flows) throws Exception {
        var failed = flows.run("rerun.yaml");
        assertThat(failed.getState().getCurrent()).as(() -> flows.texts(failed).toString()).isEqualTo(State.Type.FAILED);

        var execution = executions(flows).restartExecution(RerunTest::hasEnded, Rerun.restarted(flows.engine, failed), Flows.LIMIT);

        assertThat(execution.getId()).isEqualTo(failed.getId());
        assertPassedOnTheSecondAttempt(flows, execution);
    }

    @Test
    void a_replay_is_an_execution_of_its_own(Flows flows) throws Exception {
        var failed = flows.run("rerun.yaml");

        var execution = executions(flows).emitAndAwaitExecution(RerunTest::hasEnded, Rerun.replayed(flows.engine, failed), Flows.LIMIT);

        assertThat(execution.getId()).isNotEqualTo(failed.getId());
        assertThat(execution.getState().getCurrent()).as("its first attempt fails too").isEqualTo(State.Type.FAILED);
        for (var each : List.of(failed, execution)) {
            flows.awaitLine(each, "The task exited with code 3");
            assertThat(attempts(flows, each)).containsExactly("attempt 0");
        }
        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore + 2);
    }

    @Test
    void of_two_executions_at_once_each_has_its_own_job_and_a_kill_ends_only_one(Flows flows) throws Exception {
        var killed = flows.start("at_once.yaml", Map.of("name", "first"));
        var other = flows.start("at_once.yaml", Map.of("name", "second"));
        flows.awaitLine(killed, "first started");
        flows.awaitLine(other, "second started");
        assertThat(Poll.until(Flows.LIMIT, () -> emulator.activeJobs().size() == 2)).as("control: both are under way").isTrue();

        flows.engine.kill(killed);

        assertThat(Poll.until(Flows.LIMIT, () -> emulator.activeJobs().size() == 1)).as("one job is left").isTrue();
        assertThat(flows.engine.kill(other).getState().getCurrent()).isEqualTo(State.Type.KILLED);
        assertThat(flows.texts(killed)).noneMatch(text -> text.contains("second"));
        assertThat(flows.texts(other)).noneMatch(text -> text.contains("first"));
        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore + 2);
    }

    private void assertPassedOnTheSecondAttempt(Flows flows, Execution execution) throws Exception {
        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        flows.awaitLine(execution, "attempt 1");
        assertThat(attempts(flows, execution)).containsExactly("attempt 0", "attempt 1");
        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore + 2);
    }

    private static TestRunnerUtils executions(Flows flows) {
        return flows.engine.context().getBean(TestRunnerUtils.class);
    }

    private static boolean hasEnded(Execution execution) {
        return execution.getState().isTerminated();
    }

    private static List<String> attempts(Flows flows, Execution execution) {
        return flows.messages(execution).stream().filter(text -> text.startsWith("attempt ")).toList();
    }
}
