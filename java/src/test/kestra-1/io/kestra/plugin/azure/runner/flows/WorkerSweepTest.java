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
                System.out.println("[sweep] " + row(step, cell) + (isRight(cell) ? "" : " WRONG " + cell));
                Files.writeString(TABLE, table());
            }
        }
        assertThat(cells).hasSizeGreaterThan(AT_LEAST).allSatisfy((step, cell) -> assertThat(isRight(cell)).as(step + ": " + cell).isTrue());
    }

    private static boolean isRight(WorkerLab.Cell cell) {
        return cell.isRight() && cell.left().isEmpty();
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
        "Jobs" counts the jobs that got a task; "twice" counts lines. From `DELETE /jobs/JOB` on Kestra has recorded the outcome and gives the task to no other worker, so
        blobs that have not been removed stay.

        | step | killed | resumed | jobs | result | lines |
        |---|---|---|---|---|---|
        """;
}
