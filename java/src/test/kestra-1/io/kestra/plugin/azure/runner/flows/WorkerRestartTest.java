package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.State;
import io.kestra.plugin.azure.demo.Engine;
import io.kestra.worker.DefaultWorker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An engine whose worker is shut down during a task and started again, as for an upgrade. */
class WorkerRestartTest {
    private static final int LINES = 20;
    private final Emulator emulator = new Emulator();

    @Test
    void a_run_goes_on_with_the_next_worker_and_each_line_is_logged_once() throws Exception {
        var jobsBefore = emulator.jobsCreated();
        var storage = Files.createTempDirectory(Path.of("build"), "flow-storage-");
        var execution = startAndShutDown(storage);
        assertThat(emulator.activeJobs()).as("control: the job goes on without a worker").hasSize(1);

        try (var engine = Engine.start(storage, settings())) {
            var ended = engine.awaitEnd(execution, Flows.LIMIT);

            assertThat(ended.getState().getCurrent()).as(() -> engine.log(execution).toString()).isEqualTo(State.Type.SUCCESS);
            assertThat(ended.getTaskRunList().getFirst().getOutputs().get("vars")).as("the output that the first worker received").isEqualTo(Map.of("answer", 42));
            assertThat(Poll.until(Flows.LIMIT, () -> lines(engine, execution).contains("line " + LINES))).as("the last line").isTrue();
            // Lines that arrive in the same millisecond have no order in Kestra's log.
            assertThat(lines(engine, execution)).containsExactlyInAnyOrderElementsOf(IntStream.rangeClosed(1, LINES).mapToObj(n -> "line " + n).toList());
        }
        assertThat(emulator.jobsCreated()).isEqualTo(jobsBefore + 1);
    }

    private static Execution startAndShutDown(Path storage) throws Exception {
        try (var flows = new Flows(Engine.start(storage, settings()))) {
            var execution = flows.start("restart.yaml", Map.of());
            flows.awaitLine(execution, "line 3");
            // Closed before the rest of the engine, which would otherwise not store the worker's last lines.
            flows.engine.context().getBean(DefaultWorker.class).close();
            return execution;
        }
    }

    private static Map<String, Object> settings() {
        // The database stays when its engine is closed.
        var settings = new HashMap<>(Database.at("jdbc:h2:mem:restart;DB_CLOSE_DELAY=-1"));
        // Only a server with a type watches its workers and resubmits their tasks; the settings below make it do so soon.
        settings.put("kestra.server-type", "STANDALONE");
        settings.put("kestra.server.termination-grace-period", "1s");
        settings.put("kestra.server.liveness.interval", "1s");
        settings.put("kestra.server.service.purge.initial-delay", "1h");
        settings.put("kestra.server.service.purge.fixed-delay", "1d");
        settings.put("kestra.server.service.purge.retention", "30d");
        return settings;
    }

    private static List<String> lines(Engine engine, Execution execution) {
        return engine.log(execution).stream().map(LogEntry::getMessage).filter(line -> line.startsWith("line ")).toList();
    }
}
