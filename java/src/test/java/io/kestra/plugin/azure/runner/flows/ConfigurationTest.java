package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.flows.State;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.plugin.azure.demo.Engine;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** An engine with the configuration that README shows. */
class ConfigurationTest {
    private static final Pattern SHOWN = Pattern.compile("```yaml\n(kestra:\n.*?)```", Pattern.DOTALL);
    private static final String WRONG_KEY = "Y2FuYXJ5L3NlY3JldCtrZXk=";

    @Test
    void a_flow_needs_to_name_nothing_and_goes_first_where_it_does() throws Exception {
        var storage = Files.createTempDirectory(Path.of("build"), "flow-storage-");
        try (var worker = new WorkerLog(); var flows = new Flows(Engine.start(storage, settings()))) {
            var execution = flows.run("configured.yaml");
            assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
            var uri = ((Map<?, ?>) flows.engine.outputs(execution).get("outputFiles")).get("report.txt").toString();
            assertThat(flows.engine.read("company.team", uri)).isEqualTo("done\n");

            var wrongKey = flows.run("configured_otherwise.yaml", Map.of("accessKey", WRONG_KEY, "poolId", "my-pool"));
            flows.awaitLine(wrongKey, "accessKey: ");
            var wrongPool = flows.run("configured_otherwise.yaml", Map.of("accessKey", Secrets.BATCH_KEY, "poolId", "nowhere"));
            flows.awaitLine(wrongPool, "poolId: there is no pool 'nowhere'");

            for (var each : List.of(execution, wrongKey, wrongPool)) {
                assertThat(Secrets.found(flows.texts(each))).isEmpty();
            }
            assertThat(Secrets.found(flows.texts(wrongKey), WRONG_KEY)).isEmpty();
            assertThat(Secrets.found(worker.lines())).isEmpty();
        }
    }

    private static Map<String, Object> settings() throws IOException {
        var settings = new HashMap<>(Database.at("jdbc:h2:mem:configured;DB_CLOSE_DELAY=-1"));
        settings.put("kestra.plugins.configurations", shown());
        // Kestra 2 only: its worker and its controller talk to each other.
        int port = freePort();
        settings.put("kestra.controller.port", port);
        settings.put("kestra.worker.controllers.static.endpoints", List.of(Map.of("host", "127.0.0.1", "port", port)));
        return settings;
    }

    private static Object shown() throws IOException {
        var block = SHOWN.matcher(Files.readString(Path.of("README.md")));
        assertThat(block.find()).isTrue();
        return JacksonMapper.ofYaml().treeToValue(JacksonMapper.ofYaml().readTree(block.group(1)).at("/kestra/plugins/configurations"), List.class);
    }

    private static int freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
