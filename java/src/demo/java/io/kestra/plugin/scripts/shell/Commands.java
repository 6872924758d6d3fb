package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.property.Property;
import io.kestra.plugin.azure.demo.ScriptStandIn;
import lombok.Builder;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/**
 * Stands in for the task of the same name in {@code io.kestra.plugin:plugin-script-shell}, which is not on Maven Central.
 * It is part of the demo and the tests, never of the plugin jar.
 */
@Plugin
@SuperBuilder
@Getter
@NoArgsConstructor
public class Commands extends ScriptStandIn {
    // Kestra 0.21 has no Property.ofValue.
    @Builder.Default
    private Property<String> containerImage = Property.<String>builder().expression("ubuntu").build();
}
