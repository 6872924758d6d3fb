package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.TaskException;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Makes the exception of a failed task. Kestra 0.20 takes exit code and outputs of the task from it. The plugin is compiled against 0.19, which takes neither. */
final class Failure {
    private static final MethodHandle WITH_LOG = withLog();

    private Failure() {
    }

    static TaskException of(Event.Outcome failure, AbstractLogConsumer logConsumer) {
        if (WITH_LOG == null) {
            return new TaskException(failure.message(), failure.taskExitCode(), logConsumer.getStdOutCount(), logConsumer.getStdErrCount());
        }
        try {
            return (TaskException) WITH_LOG.invoke(failure.message(), failure.taskExitCode(), logConsumer);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("The constructor declares no checked exception", e);
        }
    }

    /** Returns null if Kestra has no such constructor. */
    private static MethodHandle withLog() {
        try {
            var type = MethodType.methodType(void.class, String.class, int.class, AbstractLogConsumer.class);
            return MethodHandles.publicLookup().findConstructor(TaskException.class, type);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }
}
