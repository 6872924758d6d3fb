package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class FailureTest {
    private final CollectingLogConsumer logConsumer = new CollectingLogConsumer();

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
        BatchDetails details = BatchDetails.builder().jobId("job").build();
        TaskException failure = Failure.of(Failure.withDetails(WithDetails.class), "failed", 3, logConsumer, details);
        assertThat(failure).hasMessage("failed").returns(3, TaskException::getExitCode).returns(logConsumer, TaskException::getLogConsumer);
        assertThat(((WithDetails) failure).details).isSameAs(details);
    }

    @Test
    void an_older_one_does_without() {
        assertThat(Failure.withDetails(IllegalStateException.class)).isNull();
        assertThat(Failure.of("failed", 3, logConsumer, null)).hasMessage("failed").returns(3, TaskException::getExitCode);
    }
}
