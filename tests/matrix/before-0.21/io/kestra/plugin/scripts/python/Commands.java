package io.kestra.plugin.scripts.python;

import io.kestra.core.models.annotations.Plugin;
import io.kestra.plugin.azure.demo.ScriptStandIn;
import lombok.Builder;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.experimental.SuperBuilder;

/** As the demo's, for Kestra 0.19 and 0.20. */
@Plugin
@SuperBuilder
@Getter
@NoArgsConstructor
public class Commands extends ScriptStandIn {
    @Builder.Default
    private String containerImage = "ghcr.io/kestra-io/pydata:latest";
}
