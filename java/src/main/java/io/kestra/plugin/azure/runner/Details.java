package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.serializers.JacksonMapper;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Where a run took place and how long its parts took. The duration of a part that did not take place is null. */
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

    BatchDetails toOutput(Integer exitCode) {
        return BatchDetails.builder()
            .jobId(jobId)
            .taskId(taskId)
            .poolId(poolId)
            .nodeId(nodeId)
            .exitCode(exitCode)
            .stageMillis(stageMillis)
            .queueMillis(queueMillis)
            .runMillis(runMillis)
            .collectMillis(collectMillis)
            .build();
    }

    /**
     * Reports the durations as metrics of the Kestra task, with a log line of the form that scripts use for theirs.
     * Kestra ignores metrics that a task runner adds to its RunContext, which is a copy.
     */
    void sendMetricsTo(AbstractLogConsumer logConsumer) {
        try {
            logConsumer.accept("::" + JacksonMapper.ofJson().writeValueAsString(Map.of("metrics", metrics())) + "::", false);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The metrics of the run could not be written as JSON", e);
        }
    }

    private List<Timer> metrics() {
        List<Timer> metrics = new ArrayList<>();
        add(metrics, STAGE_METRIC, stageMillis);
        add(metrics, QUEUE_METRIC, queueMillis);
        add(metrics, RUN_METRIC, runMillis);
        add(metrics, COLLECT_METRIC, collectMillis);
        return metrics;
    }

    private static void add(List<Timer> metrics, String name, Long millis) {
        if (millis != null) {
            metrics.add(Timer.of(name, Duration.ofMillis(millis)));
        }
    }
}
