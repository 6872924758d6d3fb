package io.kestra.plugin.azure.demo;

import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import jakarta.validation.constraints.NotNull;
import java.util.List;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/** What the matrix needs of the demo's stand-ins, for Kestra 0.19 and 0.20: there, script tasks put their commands together themselves. */
@SuperBuilder
@Getter
@NoArgsConstructor
public abstract class ScriptStandIn extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    @NotNull
    private List<String> commands;

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        return commands(runContext)
            .withCommands(ScriptService.scriptCommands(getInterpreter(), getBeforeCommandsWithOptions(), commands))
            .run();
    }
}
