package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class EnterpriseTest {
    @Test
    void a_flow_for_the_enterprise_edition_runs_unchanged(Flows flows) throws Exception {
        var execution = flows.run("enterprise.yaml");

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        flows.awaitLine(execution, "counted");
        var uri = ((Map<?, ?>) flows.engine.outputs(execution).get("outputFiles")).get("count.txt").toString();
        assertThat(flows.engine.read("company.team", uri)).isEqualToIgnoringWhitespace("2");
    }
}
