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
        assertThat(details.get("nodeSize").toString()).isEqualToIgnoringCase("STANDARD_D2S_V3");
        assertThat(details.get("resumed")).isEqualTo(false);
        assertThat(details.get("deletionTriggered")).isEqualTo(true);
        for (var part : new String[] {"stageMillis", "queueMillis", "runMillis", "collectMillis"}) {
            assertThat(((Number) details.get(part)).longValue()).as(part).isBetween(0L, Flows.LIMIT.toMillis());
        }
    }

    @Test
    void the_durations_of_a_run_are_metrics_of_the_task(Flows flows) throws Exception {
        var names = new String[] {"stage.duration", "queue.duration", "run.duration", "collect.duration"};

        assertThat(awaitMetrics(flows, run(flows), names)).containsKeys(names);
    }

    @Test
    void so_is_what_it_used(Flows flows) throws Exception {
        var names = new String[] {
            "stage.files.count", "stage.bytes.count", "collect.files.count", "collect.bytes.count",
            "batch.requests.count", "batch.retries.count", "batch.throttled.duration",
            "blob.requests.count", "blob.retries.count",
            "cpu.user.duration", "cpu.kernel.duration", "wall.clock.duration",
            "io.read.ops.count", "io.write.ops.count", "io.read.gib.count", "io.write.gib.count"
        };

        assertThat(awaitMetrics(flows, run(flows), names)).containsKeys(names)
            .containsEntry("stage.files.count", 1.0)
            .containsEntry("stage.bytes.count", (double) "6 * 7".length())
            .containsEntry("collect.files.count", 1.0)
            .containsEntry("collect.bytes.count", (double) "42\n".length())
            .hasEntrySatisfying("batch.requests.count", requests -> assertThat(requests).isGreaterThan(4));
    }

    @Test
    void a_failed_task_has_metrics_too_and_details_where_kestra_takes_them(Flows flows) throws Exception {
        var execution = flows.run("exit_code.yaml");

        assertThat(awaitMetrics(flows, execution, "run.duration")).containsKey("run.duration");
        var details = (Map<?, ?>) flows.engine.outputs(execution).get("taskRunner");
        assertThat(details != null).isEqualTo(Kestra.FAILURES_HAVE_DETAILS);
        if (details != null) {
            assertThat(details.get("exitCode")).isEqualTo(3);
            assertThat(details.get("jobId").toString()).startsWith("companyteam-exit-code-fail-");
        }
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
