package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.FlowInterface;
import io.kestra.plugin.azure.demo.Engine;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** The engine that all flow tests share, and everything that its flows have logged. */
final class Flows implements AutoCloseable {
    static final Path FOLDER = Path.of("tests/flows");
    static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration LOG_LIMIT = Duration.ofSeconds(30);

    final Engine engine;
    private final List<Line> lines = new CopyOnWriteArrayList<>();

    /** A log entry, and when it was in the flow's log. */
    record Line(LogEntry entry, Instant arrived) {
        String text() {
            return entry.getMessage() == null ? "" : entry.getMessage();
        }
    }

    Flows(Engine engine) {
        this.engine = engine;
        engine.onLog(entry -> lines.add(new Line(entry, Instant.now())));
    }

    /** Loads the flow of a file in tests/flows and runs it to its end. */
    Execution run(String file, Map<String, Object> inputs) throws Exception {
        return run(FOLDER.resolve(file), inputs);
    }

    /** Loads the flow of a file and runs it to its end. */
    Execution run(Path file, Map<String, Object> inputs) throws Exception {
        FlowInterface flow = engine.loadFlow(file);
        return engine.run(flow.getNamespace(), flow.getId(), inputs, LIMIT);
    }

    Execution run(String file) throws Exception {
        return run(file, Map.of());
    }

    /** Loads the flow of a file in tests/flows and leaves it running. */
    Execution start(String file, Map<String, Object> inputs) throws Exception {
        FlowInterface flow = engine.loadFlow(FOLDER.resolve(file));
        return engine.runUntilRunning(flow.getNamespace(), flow.getId(), inputs, LIMIT);
    }

    /** What an execution has logged so far, in the order of arrival. */
    List<Line> log(Execution execution) {
        return lines.stream().filter(line -> execution.getId().equals(line.entry().getExecutionId())).toList();
    }

    /** Waits for a line that holds a text. Entries reach the log a little later than the execution its end. */
    Line awaitLine(Execution execution, String text) throws InterruptedException {
        assertThat(Poll.until(LOG_LIMIT, () -> log(execution).stream().anyMatch(line -> line.text().contains(text))))
            .as("a line with '%s' in:%n%s", text, String.join("\n", texts(execution)))
            .isTrue();
        return log(execution).stream().filter(line -> line.text().contains(text)).findFirst().orElseThrow();
    }

    List<String> texts(Execution execution) {
        return log(execution).stream().map(line -> line.entry().getLevel() + " " + line.text()).toList();
    }

    @Override
    public void close() throws Exception {
        engine.close();
    }
}
