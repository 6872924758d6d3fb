package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.plugin.azure.demo.Engine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The engine that all flow tests share, and the logs of its flows. */
final class Flows implements AutoCloseable {
    static final Path FOLDER = Path.of("tests/flows");
    static final Duration LIMIT = Duration.ofMinutes(2);
    private static final Duration LOG_LIMIT = Duration.ofSeconds(30);

    final Engine engine;

    Flows(Engine engine) {
        this.engine = engine;
    }

    /** Loads the flow of a file in tests/flows and runs it to its end. */
    Execution run(String file, Map<String, Object> inputs) throws Exception {
        return run(FOLDER.resolve(file), inputs);
    }

    /** Loads the flow of a file and runs it to its end. */
    Execution run(Path file, Map<String, Object> inputs) throws Exception {
        var flow = engine.loadFlow(file);
        return engine.run(flow.getNamespace(), flow.getId(), inputs, LIMIT);
    }

    Execution run(String file) throws Exception {
        return run(file, Map.of());
    }

    /** Loads the flow of a file in tests/flows and leaves it running. */
    Execution start(String file, Map<String, Object> inputs) throws Exception {
        var flow = engine.loadFlow(FOLDER.resolve(file));
        return engine.runUntilRunning(flow.getNamespace(), flow.getId(), inputs, LIMIT);
    }

    /** Returns what an execution has logged so far, ordered by time. Entries of the same millisecond are in any order. */
    List<LogEntry> log(Execution execution) {
        return engine.log(execution).stream().filter(entry -> entry.getMessage() != null).toList();
    }

    /** Waits for a line that contains a text. Entries may reach the log shortly after the execution has ended. */
    LogEntry awaitLine(Execution execution, String text) throws InterruptedException {
        assertThat(Poll.until(LOG_LIMIT, () -> find(execution, text).isPresent()))
            .as("a line with '%s' in:%n%s", text, String.join("\n", texts(execution)))
            .isTrue();
        return find(execution, text).orElseThrow();
    }

    private Optional<LogEntry> find(Execution execution, String text) {
        return log(execution).stream().filter(entry -> entry.getMessage().contains(text)).findFirst();
    }

    /** Returns the lines of an execution, each with its level. */
    List<String> texts(Execution execution) {
        return log(execution).stream().map(entry -> entry.getLevel() + " " + entry.getMessage()).toList();
    }

    /** Returns the lines of an execution. */
    List<String> messages(Execution execution) {
        return log(execution).stream().map(LogEntry::getMessage).toList();
    }

    @Override
    public void close() throws Exception {
        engine.close();
    }
}
