package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.azure.demo.ScriptStandIn;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lombok.Builder;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/**
 * Stands in for the task of the same name in {@code io.kestra.plugin:plugin-script-python}, which is not on Maven Central.
 * It is part of the demo and the tests, never of the plugin jar.
 */
@Plugin
@SuperBuilder
@Getter
@NoArgsConstructor
public class Commands extends ScriptStandIn {
    // Kestra 0.21 has no Property.ofValue.
    @Builder.Default
    private Property<String> containerImage = Property.<String>builder().expression("ghcr.io/kestra-io/pydata:latest").build();

    private Property<List<String>> dependencies;

    /** The real one installs its dependencies on the worker, in this directory. Here each is a module that only has a version. */
    @Override
    protected Map<String, String> environment(RunContext runContext) throws Exception {
        Path modules = runContext.workingDir().resolve(Path.of(".kestra_additional_python_lib"));
        for (String name : runContext.render(dependencies).asList(String.class)) {
            Files.createDirectories(modules);
            Files.writeString(modules.resolve(name + ".py"), "__version__ = 'of the stand-in'\n");
        }
        return Files.exists(modules) ? Map.of("PYTHONPATH", modules.toString()) : Map.of();
    }
}
