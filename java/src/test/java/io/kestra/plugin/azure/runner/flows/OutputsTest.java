package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(EngineExtension.class)
class OutputsTest {
    private static final Duration METRICS_LIMIT = Duration.ofSeconds(30);

    @Test
    void outputs_and_metrics_that_the_script_prints_arrive(Flows flows) throws Exception {
        var execution = run(flows);

        assertThat(flows.engine.outputs(execution).get("vars")).isEqualTo(Map.of("answer", 42));
        assertThat(awaitMetrics(flows, execution, "rows")).containsEntry("rows", 7.0);
    }

    @Test
    void the_task_runners_details_are_outputs_of_the_task(Flows flows) throws Exception {
        var details = (Map<?, ?>) flows.engine.outputs(run(flows)).get("taskRunner");

        assertThat(details.get("exitCode")).isEqualTo(0);
        assertThat(details.get("jobId").toString()).startsWith("companyteam-outputs-report-");
        assertThat(details.get("poolId")).isEqualTo("my-pool");
        for (var part : new String[] {"stageMillis", "queueMillis", "runMillis", "collectMillis"}) {
            assertThat(((Number) details.get(part)).longValue()).as(part).isBetween(0L, Flows.LIMIT.toMillis());
        }
    }

    @Test
    void the_durations_of_a_run_are_metrics_of_the_task(Flows flows) throws Exception {
        var names = new String[] {"stage.duration", "queue.duration", "run.duration", "collect.duration"};

        assertThat(awaitMetrics(flows, run(flows), names)).containsKeys(names);
    }

    private static Execution run(Flows flows) throws Exception {
        var execution = flows.run("outputs.yaml");
        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        return execution;
    }

    /** Metrics may reach the repository shortly after the execution has ended. */
    private static Map<String, Double> awaitMetrics(Flows flows, Execution execution, String... names) throws InterruptedException {
        Poll.until(METRICS_LIMIT, () -> flows.engine.metrics(execution).keySet().containsAll(List.of(names)));
        return flows.engine.metrics(execution);
    }
}
