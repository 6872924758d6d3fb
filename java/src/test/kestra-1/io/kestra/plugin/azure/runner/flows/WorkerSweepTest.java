package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The worker process is killed after each request of a run in turn. Writes the table of the documentation. */
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

    /** A worker that is killed right before it would remove the job leaves it. */
    private boolean isRight(String step, WorkerLab.Cell cell) {
        return cell.isRight() && (cell.left().isEmpty() || step.endsWith("/collected"));
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

        Written by `scripts/sweep-worker` on %s. A Kestra worker process runs `tests/flows/worker_dies.yaml`: files in, files out, lines on both streams. It is killed by SIGKILL when
        the answer to a request has come and before it is handed on, so the request has had its effect and the worker does not know. Kestra misses the worker and gives the task
        to another worker process. Requests that come again and again are tried the first and the second time (`#2`). "Jobs" are those that got a task; "twice" counts lines. From
        `collected` on the worker removes the job and the blobs. Kestra has the outcome then and asks nobody to go on: what was not removed stays, in the first of these rows the completed job too.

        | step | killed | resumed | jobs | result | lines |
        |---|---|---|---|---|---|
        """;
}
