package io.kestra.plugin.azure.runner.flows;

import static io.kestra.plugin.azure.runner.flows.Secrets.found;
import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The seed flow on the launcher's accounts, where both permit no key and the environment has none. */
@ExtendWith(EngineExtension.class)
class IdentityTest {
    /** What every token begins with, and what every signed URL holds. */
    private static final List<String> GIVEN_OUT = List.of("eyJ", "sig=");
    private static final String SECRET = env("ENTRA_CLIENT_SECRET");
    private static final Map<String, Object> WORKLOAD = Map.of("tenantId", env("ENTRA_TENANT_ID"), "clientId", env("ENTRA_CLIENT_ID"));

    private final WorkerLog worker = new WorkerLog();

    @AfterEach
    void stopListening() {
        worker.close();
    }

    @Test
    void the_flows_are_the_seed_flow_with_other_properties_of_the_runner() throws Exception {
        for (var flow : List.of("keyless.yaml", "keyless_nodes.yaml")) {
            assertThat(commands(flow)).isEqualTo(commands("seed.yaml"));
            assertThat(Files.readString(Flows.FOLDER.resolve(flow))).doesNotContain("accessKey:", "AccessKey:", "connectionString:");
        }
        assertThat(System.getenv()).doesNotContainKeys("AZURE_BATCH_ACCESS_KEY", "AZURE_STORAGE_ACCESS_KEY", "SECRET_ACCESSKEY",
            "AZURE_STORAGE_CONNECTION_STRING", "SECRET_CONNECTIONSTRING");
    }

    @Test
    void a_service_principal_runs_the_seed_flow(Flows flows) throws Exception {
        var principal = Map.<String, Object>of("tenantId", env("ENTRA_TENANT_ID"), "clientId", env("ENTRA_CLIENT_ID"), "clientSecret", SECRET);

        assertRuns(flows, "keyless.yaml", principal);
    }

    @Test
    void a_workload_runs_the_seed_flow_with_the_token_in_its_file(Flows flows) throws Exception {
        assertRuns(flows, "keyless.yaml", WORKLOAD);
    }

    @Test
    void the_identity_of_the_machine_runs_the_seed_flow_that_names_nobody(Flows flows) throws Exception {
        assertRuns(flows, "keyless.yaml", Map.of());
    }

    @Test
    void nodes_with_an_identity_of_their_pool_need_no_signature(Flows flows) throws Exception {
        assertRuns(flows, "keyless_nodes.yaml", Map.of("nodes", env("ENTRA_NODES")));
    }

    @Test
    void a_secret_that_is_wrong_is_named_and_not_shown(Flows flows) throws Exception {
        var inputs = Map.<String, Object>of("tenantId", env("ENTRA_TENANT_ID"), "clientId", env("ENTRA_CLIENT_ID"), "clientSecret",
            "canary~secret");

        var execution = flows.run("keyless.yaml", inputs);

        assertThat(execution.getState().getCurrent()).isEqualTo(State.Type.FAILED);
        flows.awaitLine(execution, "clientSecret: it is not one of this app registration");
        assertThat(found(printed(flows, execution), "canary~secret")).isEmpty();
    }

    private void assertRuns(Flows flows, String flow, Map<String, Object> inputs) throws Exception {
        var execution = flows.run(flow, inputs);

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        flows.awaitLine(execution, "Hello from Azure Batch and kestra!");
        var uri = ((Map<?, ?>) flows.engine.outputs(execution).get("outputFiles")).get("environment_info.json").toString();
        assertThat(flows.engine.read("company.team", uri)).contains("python_version");
        for (var secret : List.of(SECRET, GIVEN_OUT.get(0), GIVEN_OUT.get(1))) {
            assertThat(found(printed(flows, execution), secret)).isEmpty();
        }
    }

    /** All that the flow and the worker have logged. */
    private List<String> printed(Flows flows, Execution execution) {
        return Stream.concat(flows.texts(execution).stream(), worker.lines().stream()).toList();
    }

    private static String commands(String flow) throws Exception {
        var text = Files.readString(Flows.FOLDER.resolve(flow));
        return text.substring(text.indexOf("    commands:"));
    }

    private static String env(String name) {
        return System.getenv(name);
    }
}
