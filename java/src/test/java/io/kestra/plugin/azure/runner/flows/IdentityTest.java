package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The launcher's account has a tenant of Entra ID where it is reached by https: the issuer of tokens speaks nothing else. */
@ExtendWith(EngineExtension.class)
class IdentityTest {
    private static final Map<String, Object> WORKLOAD = Map.of("tenantId", env("ENTRA_TENANT_ID"), "clientId", env("ENTRA_CLIENT_ID"));

    @Test
    void a_service_principal_runs_a_flow_without_a_key(Flows flows) throws Exception {
        var principal = Map.<String, Object>of("tenantId", env("ENTRA_TENANT_ID"), "clientId", env("ENTRA_CLIENT_ID"), "clientSecret",
            env("ENTRA_CLIENT_SECRET"));

        assertRuns(flows, principal);
    }

    @Test
    void a_workload_runs_a_flow_with_the_token_in_its_file(Flows flows) throws Exception {
        assertRuns(flows, WORKLOAD);
    }

    @Test
    void the_identity_of_the_machine_runs_a_flow_that_names_nobody(Flows flows) throws Exception {
        assertRuns(flows, Map.of());
    }

    private static void assertRuns(Flows flows, Map<String, Object> inputs) throws Exception {
        var execution = flows.run("identity.yaml", inputs);

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        var uri = ((Map<?, ?>) flows.engine.outputs(execution).get("outputFiles")).get("out.txt").toString();
        assertThat(flows.engine.read("company.team", uri)).isEqualTo("HELLO");
    }

    private static String env(String name) {
        return System.getenv(name);
    }
}
