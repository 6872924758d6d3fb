package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.flows.State;
import io.kestra.plugin.azure.runner.Batch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The examples of the plugin's documentation, as a user would paste them. */
@ExtendWith(EngineExtension.class)
class ExamplesTest {
    @TempDir
    private Path folder;

    static Stream<Named<Example>> examples() {
        return Stream.of(Batch.class.getAnnotation(Plugin.class).examples()).map(example -> Named.of(example.title(), example));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("examples")
    void every_example_of_the_documentation_runs(Example example, Flows flows) throws Exception {
        var file = Files.writeString(folder.resolve("example.yaml"), String.join("\n", example.code()));
        var inputs = Map.<String, Object>of("file", flows.engine.putFile("company.team", "/company/team/three-lines.txt", "a\nb\nc\n"));

        var execution = flows.run(file, inputs);

        assertThat(execution.getState().getCurrent()).as(() -> flows.texts(execution).toString()).isEqualTo(State.Type.SUCCESS);
    }
}
