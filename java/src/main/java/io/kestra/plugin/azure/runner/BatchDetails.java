package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Getter;
import lombok.ToString;
import lombok.experimental.SuperBuilder;
import lombok.extern.jackson.Jacksonized;

/** Where the task ran; it becomes part of the Kestra task's outputs. */
@SuperBuilder
@Jacksonized
@ToString
@Getter
public class BatchDetails extends TaskRunnerDetailResult {
    @Schema(title = "Id of the Batch job")
    private final String jobId;

    @Schema(title = "Id of the Batch task")
    private final String taskId;

    @Schema(title = "Id of the pool")
    private final String poolId;

    @Schema(title = "Id of the node that ran the task", description = "Absent when no node took the task.")
    private final String nodeId;
}
