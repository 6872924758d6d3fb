package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.services.TaskOutputService;
import io.micronaut.context.ApplicationContext;
import io.micronaut.core.type.Argument;
import java.util.Map;
import java.util.function.Consumer;

/** What the engine is asked differently in Kestra 1 and 2: here, in Kestra 2. */
final class KestraApi {
    private KestraApi() {
    }

    /** Calls {@code listener} with each log entry of any flow, as it comes. */
    @SuppressWarnings("unchecked")
    static void onLog(ApplicationContext context, Consumer<LogEntry> listener) {
        DispatchQueueInterface<LogEntry> logs = context.getBean(Argument.of(DispatchQueueInterface.class, LogEntry.class));
        logs.addListener(listener);
    }

    /** The outputs of a task that has ended. */
    static Map<String, Object> outputs(ApplicationContext context, TaskRun task) throws Exception {
        return context.getBean(TaskOutputService.class).getOutputs(task);
    }
}
