package io.kestra.plugin.azure.neighbour;

import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.Task;
import io.kestra.core.models.tasks.VoidOutput;
import io.kestra.core.runners.RunContext;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/** A task of another plugin that has our group, as Kestra's Azure plugin does. */
@SuperBuilder
@NoArgsConstructor
public class Neighbour extends Task implements RunnableTask<VoidOutput> {
    @Override
    public VoidOutput run(RunContext runContext) {
        return null;
    }
}
