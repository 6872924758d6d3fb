package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.queues.QueueFactoryInterface;
import io.kestra.core.queues.QueueInterface;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;
import io.micronaut.inject.qualifiers.Qualifiers;
import java.util.Map;
import java.util.function.Consumer;

/** What the engine is asked differently in Kestra 1 and 2: here, in Kestra 1. */
final class KestraApi {
    private KestraApi() {
    }

    /** Calls {@code listener} with each log entry of any flow, as it comes. */
    @SuppressWarnings("unchecked")
    static void onLog(ApplicationContext context, Consumer<LogEntry> listener) {
        QueueInterface<LogEntry> logs = context.getBean(
            Argument.of(QueueInterface.class, LogEntry.class),
            Qualifiers.byName(QueueFactoryInterface.WORKERTASKLOG_NAMED)
        );
        logs.receive(entry -> listener.accept(entry.getLeft()));
    }

    /** The outputs of a task that has ended. */
    static Map<String, Object> outputs(ApplicationContext context, TaskRun task) {
        return task.getOutputs();
    }
}
