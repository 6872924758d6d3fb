package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;

import static org.assertj.core.api.Assertions.assertThat;

class FailureTest {
    private final CollectingLogConsumer logConsumer = new CollectingLogConsumer();
    private Event.Outcome outcome;

    @BeforeEach
    void readTheFixture() throws IOException {
        outcome = (Event.Outcome) Event.parse(Fixtures.read("events.json").toString()).get(6);
    }

    /** As in Kestra 2. */
    public static final class WithDetails extends TaskException {
        private final transient TaskRunnerDetailResult details;

        public WithDetails(String message, int exitCode, AbstractLogConsumer logConsumer, TaskRunnerDetailResult details) {
            super(message, exitCode, logConsumer);
            this.details = details;
        }
    }

    @Test
    void a_kestra_that_takes_details_gets_them() {
        TaskException failure = Failure.of(Failure.withDetails(WithDetails.class), outcome, logConsumer);
        assertThat(failure).hasMessage("The task exited with code 3").returns(3, TaskException::getExitCode).returns(logConsumer, TaskException::getLogConsumer);
        assertThat(((BatchDetails) ((WithDetails) failure).details).getJobId()).isEqualTo("company-team-1a2b3c4d");
    }

    @Test
    void an_older_one_does_without() {
        assertThat(Failure.withDetails(IllegalStateException.class)).isNull();
        assertThat(Failure.of(outcome, logConsumer)).hasMessage("The task exited with code 3").returns(3, TaskException::getExitCode);
    }
}
