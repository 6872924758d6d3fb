package io.kestra.plugin.azure.runner.flows;

import static io.kestra.plugin.azure.runner.flows.Secrets.BATCH_KEY;
import static io.kestra.plugin.azure.runner.flows.Secrets.STORAGE_KEY;
import static io.kestra.plugin.azure.runner.flows.Secrets.forms;
import static io.kestra.plugin.azure.runner.flows.Secrets.found;
import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

/** The keys are plain inputs here, so that Kestra does not mask them: no log of a run may contain one. */
@ExtendWith(EngineExtension.class)
class SecretsTest {
    private static final String WRONG_KEY = "Y2FuYXJ5L3NlY3JldCtrZXk=";

    private final WorkerLog worker = new WorkerLog();

    @AfterEach
    void stopListening() {
        worker.close();
    }

    @Test
    void the_scan_finds_a_key_in_every_form_and_in_the_log_of_the_worker() {
        LoggerFactory.getLogger(SecretsTest.class).error("on purpose", new IllegalStateException("key " + WRONG_KEY));
        assertThat(found(worker.lines(), WRONG_KEY)).isNotEmpty();
        assertThat(forms(WRONG_KEY).map(form -> found(List.of("x" + form + "y"), WRONG_KEY))).allSatisfy(hits -> assertThat(hits).hasSize(1));
    }

    @Test
    void the_scan_finds_a_key_in_the_log_of_a_flow(Flows flows) throws Exception {
        Execution execution = flows.run("secrets.yaml", inputs(BATCH_KEY, STORAGE_KEY, "my-pool", WRONG_KEY));
        flows.awaitLine(execution, "The task exited with code 3");
        assertThat(found(flows.texts(execution), WRONG_KEY)).hasSize(1);
    }

    @Test
    void no_key_is_logged_however_a_run_ends(Flows flows) throws Exception {
        List<Execution> executions = List.of(
            flows.run("secrets.yaml", inputs(BATCH_KEY, STORAGE_KEY, "my-pool", "hello")),
            flows.run("secrets.yaml", inputs(WRONG_KEY, STORAGE_KEY, "my-pool", "hello")),
            flows.run("secrets.yaml", inputs(BATCH_KEY, WRONG_KEY, "my-pool", "hello")),
            flows.run("secrets.yaml", inputs(BATCH_KEY, STORAGE_KEY, "nowhere", "hello")));
        flows.awaitLine(executions.get(0), "The task exited with code 3");
        flows.awaitLine(executions.get(1), "accessKey: ");
        flows.awaitLine(executions.get(2), "blobStorage: ");
        flows.awaitLine(executions.get(3), "poolId: ");

        for (String secret : List.of(BATCH_KEY, STORAGE_KEY, WRONG_KEY, Secrets.SIGNATURE)) {
            assertThat(found(worker.lines(), secret)).isEmpty();
            for (Execution execution : executions) {
                assertThat(found(flows.texts(execution), secret)).isEmpty();
                assertThat(found(List.of(String.valueOf(execution.getTaskRunList().getFirst().getOutputs())), secret)).isEmpty();
            }
        }
    }

    private static Map<String, Object> inputs(String accessKey, String storageKey, String poolId, String say) {
        return Map.of("accessKey", accessKey, "storageKey", storageKey, "poolId", poolId, "say", say);
    }
}
