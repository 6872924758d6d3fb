package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Makes the exception of a failed task. That of Kestra 2 takes the details of the task runner, which become outputs of the task. The plugin is compiled
 * against an older version.
 */
final class Failure {
    private static final MethodHandle WITH_DETAILS = withDetails(TaskException.class);

    private Failure() {
    }

    static TaskException of(Event.Outcome failure, AbstractLogConsumer logConsumer) {
        return WITH_DETAILS == null ? new TaskException(failure.message(), failure.taskExitCode(), logConsumer) : of(WITH_DETAILS, failure, logConsumer);
    }

    /** Returns null if the class has no such constructor. */
    static MethodHandle withDetails(Class<?> exception) {
        try {
            var type = MethodType.methodType(void.class, String.class, int.class, AbstractLogConsumer.class, TaskRunnerDetailResult.class);
            return MethodHandles.publicLookup().findConstructor(exception, type);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }

    static TaskException of(MethodHandle constructor, Event.Outcome failure, AbstractLogConsumer logConsumer) {
        try {
            return (TaskException) constructor.invoke(failure.message(), failure.taskExitCode(), logConsumer, BatchDetails.of(failure));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("The constructor declares no checked exception", e);
        }
    }
}
