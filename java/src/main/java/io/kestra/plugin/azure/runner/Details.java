package io.kestra.plugin.azure.runner;

import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.runners.RunContext;

import java.time.Duration;

/** Where a run took place and how long its parts took, as the Rust side tells it. What is null did not come to pass. */
record Details(
    String jobId,
    String taskId,
    String poolId,
    String nodeId,
    Long stageMillis,
    Long queueMillis,
    Long runMillis,
    Long collectMillis
) {
    static final String STAGE_METRIC = "stage.duration";
    static final String QUEUE_METRIC = "queue.duration";
    static final String RUN_METRIC = "run.duration";
    static final String COLLECT_METRIC = "collect.duration";

    /** Makes the durations metrics of the Kestra task. */
    void addMetricsTo(RunContext runContext) {
        addMetric(runContext, STAGE_METRIC, stageMillis);
        addMetric(runContext, QUEUE_METRIC, queueMillis);
        addMetric(runContext, RUN_METRIC, runMillis);
        addMetric(runContext, COLLECT_METRIC, collectMillis);
    }

    BatchDetails toOutput(Integer exitCode) {
        return BatchDetails.builder()
            .jobId(jobId)
            .taskId(taskId)
            .poolId(poolId)
            .nodeId(nodeId)
            .exitCode(exitCode)
            .stageDuration(duration(stageMillis))
            .queueDuration(duration(queueMillis))
            .runDuration(duration(runMillis))
            .collectDuration(duration(collectMillis))
            .build();
    }

    private static void addMetric(RunContext runContext, String name, Long millis) {
        if (millis != null) {
            runContext.metric(Timer.of(name, duration(millis)));
        }
    }

    private static Duration duration(Long millis) {
        return millis == null ? null : Duration.ofMillis(millis);
    }
}
