package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.helpers.NOPLogger;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import static org.assertj.core.api.Assertions.assertThat;

class CleanUpTest {
    private static final String OUTCOME = "[{\"type\": \"outcome\", \"status\": \"succeeded\", \"exitCode\": 0}]";
    private static final String END = "[{\"type\": \"end\"}]";

    @TempDir
    Path parent;
    private Path workingDirectory;
    private final FakeBoundary rust = new FakeBoundary();
    private final BatchRun run = new BatchRun(() -> rust);

    @BeforeEach
    void createDirectory() throws Exception {
        workingDirectory = Files.createDirectory(parent.resolve("work"));
    }

    @Test
    void nothing_is_removed_before_kestra_has_taken_the_working_directory_away() throws Exception {
        CompletableFuture<Boolean> directoryWasThere = new CompletableFuture<>();
        rust.answers(() -> OUTCOME).answers(() -> {
            directoryWasThere.complete(Files.exists(workingDirectory));
            return END;
        });
        run.start("{}");
        run.follow(NOPLogger.NOP_LOGGER, new CollectingLogConsumer());
        new CleanUp(run, workingDirectory, NOPLogger.NOP_LOGGER, Duration.ZERO).begin();
        // Long enough for one that does not wait.
        Thread.sleep(Duration.ofMillis(300));
        Files.delete(workingDirectory);
        assertThat(directoryWasThere.get(30, TimeUnit.SECONDS)).isFalse();
    }
}
