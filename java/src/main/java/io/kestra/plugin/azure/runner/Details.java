package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kestra.core.models.executions.AbstractMetricEntry;
import io.kestra.core.models.executions.metrics.Counter;
import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.serializers.JacksonMapper;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Where a run took place and what it took. What is not known, or did not take place, is null. */
record Details(
    String jobId,
    String taskId,
    String poolId,
    String nodeId,
    String nodeSize,
    boolean resumed,
    boolean deletionTriggered,
    Long stageMillis,
    Long queueMillis,
    Long runMillis,
    Long collectMillis,
    Long stageFiles,
    Long stageBytes,
    Long collectFiles,
    Long collectBytes,
    long batchRequests,
    long batchRetries,
    long batchThrottledMillis,
    Long blobRequests,
    Long blobRetries,
    Long userCpuMillis,
    Long kernelCpuMillis,
    Long wallClockMillis,
    Long readOperations,
    Long writeOperations,
    Long readBytes,
    Long writeBytes
) {
    static final String STAGE_METRIC = "stage.duration";
    static final String QUEUE_METRIC = "queue.duration";
    static final String RUN_METRIC = "run.duration";
    static final String COLLECT_METRIC = "collect.duration";
    static final String STAGE_FILES_METRIC = "stage.files.count";
    static final String STAGE_BYTES_METRIC = "stage.bytes.count";
    static final String COLLECT_FILES_METRIC = "collect.files.count";
    static final String COLLECT_BYTES_METRIC = "collect.bytes.count";
    static final String REQUESTS_METRIC = "batch.requests.count";
    static final String RETRIES_METRIC = "batch.retries.count";
    static final String THROTTLED_METRIC = "batch.throttled.duration";
    static final String BLOB_REQUESTS_METRIC = "blob.requests.count";
    static final String BLOB_RETRIES_METRIC = "blob.retries.count";
    static final String USER_CPU_METRIC = "cpu.user.duration";
    static final String KERNEL_CPU_METRIC = "cpu.kernel.duration";
    static final String WALL_CLOCK_METRIC = "wall.clock.duration";
    static final String READ_OPERATIONS_METRIC = "io.read.ops.count";
    static final String WRITE_OPERATIONS_METRIC = "io.write.ops.count";
    static final String READ_GIB_METRIC = "io.read.gib.count";
    static final String WRITE_GIB_METRIC = "io.write.gib.count";

    private static final double GIB = 1L << 30;

    /**
     * Reports what the run took as metrics of the Kestra task, with a log line of the form that scripts use for theirs.
     * Kestra ignores metrics that a task runner adds to its RunContext, which is a copy.
     */
    void sendMetricsTo(AbstractLogConsumer logConsumer) {
        try {
            logConsumer.accept("::" + JacksonMapper.ofJson().writeValueAsString(Map.of("metrics", metrics())) + "::", false);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The metrics of the run could not be written as JSON", e);
        }
    }

    private List<? extends AbstractMetricEntry<?>> metrics() {
        return Arrays.asList(
            timer(STAGE_METRIC, stageMillis),
            timer(QUEUE_METRIC, queueMillis),
            timer(RUN_METRIC, runMillis),
            timer(COLLECT_METRIC, collectMillis),
            counter(STAGE_FILES_METRIC, stageFiles),
            counter(STAGE_BYTES_METRIC, stageBytes),
            counter(COLLECT_FILES_METRIC, collectFiles),
            counter(COLLECT_BYTES_METRIC, collectBytes),
            counter(REQUESTS_METRIC, batchRequests),
            counter(RETRIES_METRIC, batchRetries),
            timer(THROTTLED_METRIC, batchThrottledMillis),
            counter(BLOB_REQUESTS_METRIC, blobRequests),
            counter(BLOB_RETRIES_METRIC, blobRetries),
            timer(USER_CPU_METRIC, userCpuMillis),
            timer(KERNEL_CPU_METRIC, kernelCpuMillis),
            timer(WALL_CLOCK_METRIC, wallClockMillis == null ? runMillis : wallClockMillis),
            counter(READ_OPERATIONS_METRIC, readOperations),
            counter(WRITE_OPERATIONS_METRIC, writeOperations),
            gib(READ_GIB_METRIC, readBytes),
            gib(WRITE_GIB_METRIC, writeBytes)
        ).stream().filter(Objects::nonNull).toList();
    }

    private static Timer timer(String name, Long millis) {
        return millis == null ? null : Timer.of(name, Duration.ofMillis(millis));
    }

    private static Counter counter(String name, Long count) {
        return count == null ? null : Counter.of(name, count);
    }

    private static Counter gib(String name, Long bytes) {
        return bytes == null ? null : Counter.of(name, bytes / GIB);
    }
}
