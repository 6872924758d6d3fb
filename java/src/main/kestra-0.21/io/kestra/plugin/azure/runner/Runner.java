package io.kestra.plugin.azure.runner;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.models.tasks.runners.TaskRunnerResult;
import io.kestra.core.runners.RunContext;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

import java.util.List;
import java.util.Map;

/** What a task runner says to Kestra and reads from it, here for Kestra 0.21 and later. */
@SuperBuilder
@NoArgsConstructor
abstract class Runner extends TaskRunner<BatchDetails> {
    /**
     * Runs the commands and returns when they have ended.
     *
     * @throws TaskException if the task fails, with its exit code
     * @throws IllegalArgumentException if the configuration is wrong; the message names the property
     * @throws InterruptedException if the thread is interrupted; the job goes on, unless {@link #kill} is called too
     */
    @Override
    public TaskRunnerResult<BatchDetails> run(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        return result(outcome(runContext, taskCommands, filesToDownload), taskCommands.getLogConsumer());
    }

    /** Runs the commands and returns how that ended. */
    abstract Event.Outcome outcome(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception;

    static TaskRunnerResult<BatchDetails> result(Event.Outcome outcome, AbstractLogConsumer logConsumer) throws TaskException {
        outcome.throwUnlessSuccess(logConsumer);
        return new TaskRunnerResult<>(outcome.exitCode(), logConsumer, BatchDetails.of(outcome));
    }

    static List<String> commands(RunContext runContext, TaskCommands taskCommands) throws IllegalVariableEvaluationException {
        return list(runContext, taskCommands.getCommands());
    }

    /** Returns null if the property is not set. */
    static <T> T value(RunContext runContext, Property<T> property, Class<T> type) throws IllegalVariableEvaluationException {
        return runContext.render(property).as(type).orElse(null);
    }

    static List<String> list(RunContext runContext, Property<List<String>> property) throws IllegalVariableEvaluationException {
        return runContext.render(property).asList(String.class);
    }

    static Map<String, String> map(RunContext runContext, Property<Map<String, String>> property) throws IllegalVariableEvaluationException {
        return runContext.render(property).asMap(String.class, String.class);
    }
}
