package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.repositories.LogDataStoreInterface;
import io.kestra.core.services.TaskOutputService;
import io.micronaut.context.ApplicationContext;
import java.util.List;
import java.util.Map;
import org.slf4j.event.Level;

/** Calls of the engine that differ between Kestra 1 and 2, here for Kestra 2. */
final class KestraApi {
    private KestraApi() {
    }

    /** Returns what all executions of a tenant have logged. */
    static List<LogEntry> log(ApplicationContext context, String tenant) {
        return context.getBean(LogDataStoreInterface.class).findAllAsync(tenant).collectList().block();
    }

    /** Returns what one execution has logged. */
    static List<LogEntry> log(ApplicationContext context, String tenant, String executionId) {
        return context.getBean(LogDataStoreInterface.class).findByExecutionId(tenant, executionId, Level.TRACE);
    }

    /** Returns the outputs of a task that has ended. */
    static Map<String, Object> outputs(ApplicationContext context, TaskRun task) throws Exception {
        return context.getBean(TaskOutputService.class).getOutputs(task);
    }
}
