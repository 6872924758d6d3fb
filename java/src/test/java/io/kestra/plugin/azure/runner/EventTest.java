package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunnerResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CancellationException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

class EventTest {
    private final CollectingLogConsumer logConsumer = new CollectingLogConsumer();
    private List<Event> events;

    @BeforeEach
    void readTheFixture() throws IOException {
        events = Event.parse(Fixtures.read("events.json").toString());
    }

    @Test
    void every_event_of_the_fixture_can_be_read() {
        assertThat(events).hasSize(11);
        assertThat(events.getFirst()).isEqualTo(new Event.Note(Level.INFO, "Job 'company-team-1a2b3c4d' submitted to pool 'pool'"));
    }

    @Test
    void log_lines_reach_the_log_consumer_in_order_and_on_their_stream() {
        events.stream().filter(Event.Log.class::isInstance).map(Event.Log.class::cast).forEach(new TaskLog(logConsumer, InstantSource.system())::write);
        assertThat(logConsumer.lines).containsExactly(
            "stdout Hello from Azure Batch and kestra!",
            "stdout ::{\"outputs\":{\"a\":1}}::",
            "stderr careful"
        );
    }

    @Test
    void a_log_event_says_when_its_stream_was_read() {
        assertThat(events.get(3)).isEqualTo(new Event.Log(Event.Stream.STDERR, List.of("careful"), 1_760_000_000_000L, 1_760_000_001_500L, 2));
    }

    @Test
    void kestras_own_matcher_says_which_names_a_pattern_matches() {
        assertThat(((Event.Select) events.get(4)).answer()).isEqualTo("[[0,2],[1,3]]");
    }

    @Test
    void success_becomes_a_result_that_says_where_the_task_ran() throws TaskException {
        TaskRunnerResult<BatchDetails> result = Runner.result(outcome(5), logConsumer);
        assertThat(result.getExitCode()).isZero();
        assertThat(result.getLogConsumer()).isSameAs(logConsumer);
        assertThat(result.getDetails().getJobId()).isEqualTo("company-team-1a2b3c4d");
        assertThat(result.getDetails().getTaskId()).isEqualTo("company-team-1a2b3c4d");
        assertThat(result.getDetails().getPoolId()).isEqualTo("pool");
        assertThat(result.getDetails().getNodeId()).isEqualTo("tvmps_1");
        assertThat(result.getDetails().getExitCode()).isZero();
    }

    @Test
    void success_says_how_long_each_part_took() throws TaskException {
        BatchDetails details = Runner.result(outcome(5), logConsumer).getDetails();
        assertThat(details.getStageMillis()).isEqualTo(120);
        assertThat(details.getQueueMillis()).isEqualTo(1500);
        assertThat(details.getRunMillis()).isEqualTo(61_000);
        assertThat(details.getCollectMillis()).isEqualTo(80);
    }

    @Test
    void the_result_says_which_nodes_there_are_who_began_and_what_is_deleted() throws TaskException {
        assertThat(Runner.result(outcome(5), logConsumer).getDetails())
            .returns("STANDARD_D2S_V3", BatchDetails::getNodeSize)
            .returns(true, BatchDetails::getResumed)
            .returns(true, BatchDetails::getDeletionTriggered);
    }

    @Test
    void a_part_that_did_not_take_place_has_no_duration() {
        assertThat(BatchDetails.of(outcome(6)))
            .returns(null, BatchDetails::getStageMillis)
            .returns(61_000L, BatchDetails::getRunMillis);
    }

    @Test
    void failure_becomes_a_task_exception_with_the_real_exit_code() {
        TaskException failure = catchThrowableOfType(TaskException.class, () -> Runner.result(outcome(6), logConsumer));
        assertThat(failure).hasMessage("The task exited with code 3");
        assertThat(failure.getExitCode()).isEqualTo(3);
        assertThat(failure.getLogConsumer()).isSameAs(logConsumer);
    }

    @Test
    void a_command_that_did_not_run_to_its_end_has_exit_code_minus_one() {
        TaskException failure = catchThrowableOfType(TaskException.class, () -> Runner.result(outcome(7), logConsumer));
        assertThat(failure).hasMessageContaining("could not be pulled");
        assertThat(failure.getExitCode()).isEqualTo(-1);
    }

    @Test
    void bad_configuration_becomes_an_illegal_argument_that_names_the_property() {
        assertThatThrownBy(() -> Runner.result(outcome(8), logConsumer))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("poolId: ");
    }

    @Test
    void a_killed_run_never_counts_as_success() {
        assertThatThrownBy(() -> Runner.result(outcome(9), logConsumer))
            .isInstanceOf(CancellationException.class)
            .hasMessageContaining("was terminated");
    }

    @Test
    void an_unknown_event_is_refused() {
        assertThatThrownBy(() -> Event.parse("[{\"type\": \"surprise\"}]"))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("surprise");
    }

    private Event.Outcome outcome(int index) {
        return (Event.Outcome) events.get(index);
    }
}
