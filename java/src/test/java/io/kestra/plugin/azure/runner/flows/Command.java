package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A command of this project that has run in a process of its own. */
record Command(int exitCode, String output) {
    private static final int LIMIT_MINUTES = 4;

    /** Runs a command from the project's root; {@code folder} takes what it prints. */
    static Command run(Path folder, Map<String, String> environment, List<String> words) throws IOException, InterruptedException {
        var output = Files.createTempFile(folder, "output-", ".txt");
        var builder = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().putAll(environment);
        var process = builder.start();
        try {
            assertThat(process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)).as("%s ended within %d minutes", words, LIMIT_MINUTES).isTrue();
            return new Command(process.exitValue(), Files.readString(output));
        } finally {
            process.destroy();
        }
    }
}
