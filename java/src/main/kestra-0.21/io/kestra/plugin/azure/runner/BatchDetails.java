package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.TaskRunnerDetailResult;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.Getter;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** Where the task ran and how long it took. It is part of the outputs of the Kestra task, as {@code taskRunner}. */
@SuperBuilder
@ToString
@Getter
public class BatchDetails extends TaskRunnerDetailResult {
    @Schema(title = "Id of the Batch job")
    private final String jobId;

    @Schema(title = "Id of the Batch task")
    private final String taskId;

    @Schema(title = "Id of the pool")
    private final String poolId;

    @Schema(title = "Id of the node that ran the task", description = "Absent if the task did not reach a node.")
    private final String nodeId;

    @Schema(title = "Size of the pool's nodes", description = "Azure's name for it, for example `STANDARD_D2S_V3`.")
    private final String nodeSize;

    @Schema(title = "Exit code of the command", description = "Absent if the command did not run to its end.")
    private final Integer exitCode;

    @Schema(title = "Whether an earlier worker had submitted the job")
    private final Boolean resumed;

    @Schema(title = "Whether the job and the staged files are deleted now that the task has ended", description = "As `delete` says.")
    private final Boolean deletionTriggered;

    @Schema(title = "How long the upload of the input files took, in milliseconds")
    private final Long stageMillis;

    @Schema(title = "How long the task waited for a node, in milliseconds")
    private final Long queueMillis;

    @Schema(title = "How long the task ran on the node, including the transfer of its files, in milliseconds")
    private final Long runMillis;

    @Schema(title = "How long the download of the output files took, in milliseconds")
    private final Long collectMillis;

    /** Returns null where nothing is known. */
    static BatchDetails of(Event.Outcome outcome) {
        Details details = outcome.details();
        return details == null ? null : builder()
            .jobId(details.jobId())
            .taskId(details.taskId())
            .poolId(details.poolId())
            .nodeId(details.nodeId())
            .nodeSize(details.nodeSize())
            .exitCode(outcome.exitCode())
            .resumed(details.resumed())
            .deletionTriggered(details.deletionTriggered())
            .stageMillis(details.stageMillis())
            .queueMillis(details.queueMillis())
            .runMillis(details.runMillis())
            .collectMillis(details.collectMillis())
            .build();
    }
}
