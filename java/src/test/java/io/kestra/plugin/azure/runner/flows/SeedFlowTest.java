package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class SeedFlowTest {
    private static final Path PAGE = Path.of("tests/fixtures/azure-batch-task-runner.yaml");

    @Test
    void the_seed_flow_differs_from_the_page_only_in_secrets_and_variables() throws Exception {
        var page = Files.readString(PAGE).replaceAll("secrets\\.(\\w+)", "secret('$1')");
        var flow = Files.readString(Flows.FOLDER.resolve("seed.yaml")).replaceFirst("\nvariables:\n(  .*\n)+", "");

        assertThat(flow).isEqualTo(page);
    }

    @Test
    void the_seed_flow_greets_and_delivers_its_outputs(Flows flows) throws Exception {
        var execution = flows.run("seed.yaml");

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        for (var greeting : new String[] {"Hello from Azure Batch and kestra!", "Host's network name: ", "Python version: ",
            "Platform information (instance type): ", "OS/Arch: linux/"}) {
            flows.awaitLine(execution, greeting);
        }
        assertThat(vars(flows, execution)).containsOnlyKeys("host", "platform", "OS", "python_version");
        var uri = ((Map<?, ?>) flows.engine.outputs(execution).get("outputFiles")).get("environment_info.json").toString();
        assertThat(flows.engine.read("company.team", uri)).contains("\"host\": \"" + vars(flows, execution).get("host") + "\"");
    }

    @Test
    void the_seed_flow_runs_on_the_emulators_node_as_a_job(Flows flows) throws Exception {
        var execution = flows.run("seed.yaml");
        var details = (Map<?, ?>) flows.engine.outputs(execution).get("taskRunner");

        assertThat(vars(flows, execution).get("host"))
            .isEqualTo(details.get("nodeId"))
            .isNotEqualTo(InetAddress.getLocalHost().getHostName());
        assertThat(new Emulator().requests())
            .anyMatch(request -> request.createsJob() && request.status() == 201)
            .anyMatch(request -> request.method().equals("POST") && request.path().equals("/jobs/" + details.get("jobId") + "/tasks"));
    }

    @Test
    void a_flow_reads_a_namespace_file(Flows flows) throws Exception {
        flows.engine.putNamespaceFile("company.team", "greeting.txt", "Hello from a namespace file!\n");

        var execution = flows.run("namespace_file.yaml");

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        flows.awaitLine(execution, "Hello from a namespace file!");
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> vars(Flows flows, Execution execution) throws Exception {
        return (Map<String, Object>) flows.engine.outputs(execution).get("vars");
    }
}
