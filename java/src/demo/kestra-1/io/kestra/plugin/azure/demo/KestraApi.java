package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.micronaut.context.ApplicationContext;
import java.util.List;
import java.util.Map;
import org.slf4j.event.Level;

/** Calls of the engine that differ between Kestra 1 and 2, here for Kestra 1. */
final class KestraApi {
    private KestraApi() {
    }

    /** Returns what all executions of a tenant have logged. */
    static List<LogEntry> log(ApplicationContext context, String tenant) {
        return context.getBean(LogRepositoryInterface.class).findAllAsync(tenant).collectList().block();
    }

    /** Returns what one execution has logged. */
    static List<LogEntry> log(ApplicationContext context, String tenant, String executionId) {
        return context.getBean(LogRepositoryInterface.class).findByExecutionId(tenant, executionId, Level.TRACE);
    }

    /** Returns the outputs of a task that has ended. */
    static Map<String, Object> outputs(ApplicationContext context, TaskRun task) {
        return task.getOutputs();
    }
}
