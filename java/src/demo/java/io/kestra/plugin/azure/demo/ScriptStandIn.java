package io.kestra.plugin.azure.demo;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import jakarta.validation.constraints.NotNull;
import java.util.List;
import java.util.Map;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/**
 * What the {@code Commands} tasks of Kestra's script plugins have in common: commands, run one after the other.
 * <p>
 * Those plugins are not on Maven Central, so the demo and the flow tests bring stand-ins under the same type names.
 * They extend Kestra's {@link AbstractExecScript}, as the real ones do.
 */
@SuperBuilder
@Getter
@NoArgsConstructor
public abstract class ScriptStandIn extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    @NotNull
    private Property<List<String>> commands;

    /** What a task adds to the environment of its commands. */
    protected Map<String, String> environment(RunContext runContext) throws Exception {
        return Map.of();
    }

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        return commands(runContext)
            .addEnv(environment(runContext))
            .withInterpreter(getInterpreter())
            .withBeforeCommands(getBeforeCommands())
            .withBeforeCommandsWithOptions(true)
            .withCommands(commands)
            .run();
    }
}
