package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Kills the worker process after each request of a run in turn, and writes the table for the documentation. */
class WorkerSweepTest {
    private static final Path TABLE = Path.of("docs/sweep-worker.md");
    private static final int AT_LEAST = 20;

    private final Map<String, WorkerLab.Cell> cells = new LinkedHashMap<>();

    @Test
    void a_worker_that_is_killed_after_any_request_is_replaced_and_the_result_is_right() throws Exception {
        try (var lab = new WorkerLab()) {
            for (var step : lab.steps()) {
                var cell = lab.run(step, WorkerProcess::kill);
                cells.put(step, cell);
                System.out.println("[sweep] " + row(step, cell) + (isRight(step, cell) ? "" : " WRONG " + cell));
                Files.writeString(TABLE, table());
            }
        }
        assertThat(cells).hasSizeGreaterThan(AT_LEAST).allSatisfy((step, cell) -> assertThat(isRight(step, cell)).as(step + ": " + cell).isTrue());
    }

    /** A worker that is killed after it has recorded that the outcome was reported, and before it removes the job, leaves the job. */
    private boolean isRight(String step, WorkerLab.Cell cell) {
        var reported = step.startsWith("PUT container/PREFIX/state.json") && !cell.resumed();
        return cell.isRight() && (cell.left().isEmpty() || reported);
    }

    private String table() {
        return HEAD.formatted(LocalDate.now()) + cells.entrySet().stream().map(each -> row(each.getKey(), each.getValue()) + "\n").collect(Collectors.joining());
    }

    private String row(String step, WorkerLab.Cell cell) {
        var killed = cell.ended() ? "yes" : "no: ended before";
        var lines = (cell.lost().isEmpty() ? "all" : "lost: " + cell.lost()) + (cell.twice().isEmpty() ? "" : ", " + cell.twice().size() + " twice");
        return "| `%s` | %s | %s | %s | %s | %s |".formatted(step, killed, cell.resumed() ? "yes" : "no", cell.jobs(), cell.hasRightResult() ? "right" : "wrong", lines);
    }

    private static final String HEAD = """
        # SIGKILL of the worker at each step

        Written by `scripts/sweep-worker` on %s. A Kestra worker process runs `tests/flows/worker_dies.yaml`, which has input files, output files and lines on both
        streams. The worker is killed by SIGKILL when a request has been answered but the answer has not reached it: the request has had its effect, and the worker does not
        know. Kestra notices that the worker is lost and gives the task to another worker process. Of requests that are repeated, the first and the second are tried (`#2`).
        "Jobs" counts the jobs that got a task; "twice" counts lines. With the last `PUT` of `state.json` the worker records that the outcome was reported; then it removes the
        job and the blobs. Kestra has recorded the outcome by then and gives the task to no other worker, so what has not been removed stays: in the row of that request,
        the completed job too.

        | step | killed | resumed | jobs | result | lines |
        |---|---|---|---|---|---|
        """;
}
