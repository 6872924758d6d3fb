package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class IsolationTest {
    /** Directories of the worker, by the name of the flow's input. */
    private static final Map<String, Path> PLACES = Map.of(
        "home", Path.of(System.getProperty("user.home")),
        "checkout", Path.of("build").toAbsolutePath(),
        "tmp", Path.of("/tmp")
    );

    private final String secret = "canary-" + UUID.randomUUID();
    private final Map<String, Path> canaries = new HashMap<>();

    @BeforeEach
    void put_canaries() throws IOException {
        for (var place : PLACES.entrySet()) {
            var file = Files.createTempFile(place.getValue(), ".canary-", ".txt");
            canaries.put(place.getKey(), Files.writeString(file, secret + "\n"));
        }
    }

    @AfterEach
    void remove_canaries() throws IOException {
        for (var file : canaries.values()) {
            Files.delete(file);
        }
    }

    @Test
    void files_of_the_worker_do_not_exist_on_the_node(Flows flows) throws Exception {
        var inputs = new HashMap<String, Object>();
        canaries.forEach((name, file) -> inputs.put(name, file.toString()));

        var execution = flows.run("canaries.yaml", inputs);

        for (var file : canaries.values()) {
            flows.awaitLine(execution, "unreadable: " + file);
        }
        var readBy = flows.log(execution).stream()
            .filter(line -> line.getMessage().equals(secret))
            .map(line -> line.getTaskId())
            .toList();
        assertThat(readBy).as("who could read them").isEqualTo(List.of("on_worker", "on_worker", "on_worker"));
    }
}
