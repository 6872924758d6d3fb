package io.kestra.plugin.azure.runner;

import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A directory of the node that the task's container sees. */
@SuperBuilder
@ToString
@EqualsAndHashCode
@Getter
@NoArgsConstructor
@Schema(title = "Directory of the node that is mounted in the container")
public class BindMount {
    @Schema(
        title = "Which directory",
        description = "`TASK` is the directory of the task, `SHARED` that of all tasks of the node, `STARTUP` that of the start task of the pool, `VFS_MOUNTS` the file systems that the pool mounts, `APPLICATIONS` its application packages."
    )
    @NotNull
    private Property<Source> source;

    @Schema(title = "Whether the container cannot write to it")
    @NotNull
    @Builder.Default
    private Property<Boolean> isReadOnly = Properties.ofValue(false);

    /** The names are those of the request to the Rust library. */
    public enum Source {
        TASK,
        SHARED,
        STARTUP,
        VFS_MOUNTS,
        APPLICATIONS
    }
}
