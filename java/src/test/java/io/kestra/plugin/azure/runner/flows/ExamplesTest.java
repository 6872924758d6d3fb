package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.State;
import io.kestra.plugin.azure.runner.Batch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The flows in the documentation, as a user would copy them. Each is also a file that is named after its id. */
@ExtendWith(EngineExtension.class)
class ExamplesTest {
    private static final Path FOLDER = Flows.FOLDER.resolve("examples");
    private static final Pattern FLOW_IN_MARKDOWN = Pattern.compile("```yaml\n(id: .*?)```", Pattern.DOTALL);
    private static final Pattern ID = Pattern.compile("^id: (\\S+)");

    private static final List<String> PARTS = IntStream.rangeClosed(1, 50).mapToObj(part -> "Part " + part + " of 50").toList();

    /** What some of them print, by their ids. */
    private static final Map<String, List<String>> LINES = Map.of(
        "azure_batch_dependencies", List.of("The version of polars is of the stand-in"),
        "azure_batch_gpu", List.of("This node has no GPU"),
        "azure_batch_registry", List.of("Hello from a private image"),
        "azure_batch_working_directory", List.of("The sum of 100 numbers is 5050"),
        "azure_batch_for_each", PARTS,
        "azure_batch_loop", PARTS,
        "azure_batch_subflow", List.of("Report on Italy")
    );

    /** A flow that the documentation shows. */
    record Shown(String text) {
        Path file() {
            var id = ID.matcher(text);
            assertThat(id.find()).as("an id in:%n%s", text).isTrue();
            return FOLDER.resolve(id.group(1) + ".yaml");
        }

        @Override
        public String toString() {
            return file().getFileName().toString();
        }
    }

    static Stream<Shown> shown() throws IOException {
        var examples = Stream.of(Batch.class.getAnnotation(Plugin.class).examples()).map(Example::code).map(code -> String.join("\n", code));
        var readme = FLOW_IN_MARKDOWN.matcher(Files.readString(Path.of("README.md"))).results().map(match -> match.group(1));
        return Stream.concat(examples, readme).map(Shown::new).distinct();
    }

    /** Those that this version of Kestra knows all tasks of. */
    static Stream<Shown> runnable() throws IOException {
        return shown().filter(flow -> !flow.text().contains(Kestra.UNKNOWN_TASK));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("runnable")
    void every_flow_of_the_documentation_is_a_file_that_runs(Shown flow, Flows flows) throws Exception {
        assertThat(flow.file()).content().isEqualTo(flow.text());
        var inputs = Map.<String, Object>of("file", flows.engine.putFile("company.team", "/company/team/three-lines.txt", "a\nb\nc\n"));

        // Some call another.
        for (var other : runnable().toList()) {
            flows.engine.loadFlow(other.file());
        }

        var execution = flows.run(flow.file(), inputs);

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
        var lines = LINES.getOrDefault(execution.getFlowId(), List.of());
        // Of all executions: in Kestra 2 each turn of a loop is one.
        Poll.until(Flows.LIMIT, () -> messages(flows).containsAll(lines));
        assertThat(messages(flows)).containsAll(lines);
    }

    private static List<String> messages(Flows flows) {
        return flows.engine.log().stream().map(LogEntry::getMessage).toList();
    }

    @Test
    void every_example_file_is_shown_somewhere() throws IOException {
        try (var files = Files.list(FOLDER)) {
            assertThat(files).containsExactlyInAnyOrderElementsOf(shown().map(Shown::file).toList());
        }
    }
}
