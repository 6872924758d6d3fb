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
        begin();
        // Long enough for one that does not wait.
        Thread.sleep(Duration.ofMillis(300));
        Files.delete(workingDirectory);
        assertThat(directoryWasThere.get(30, TimeUnit.SECONDS)).isFalse();
    }

    @Test
    void a_worker_that_shuts_down_has_no_hook_of_a_run_that_is_cleaned_up() throws Exception {
        rust.answers(() -> OUTCOME).answers(() -> END);
        CleanUp cleanUp = begin();
        Files.delete(workingDirectory);
        cleanUp.thread.join();
        assertThat(rust.calls).endsWith("close 7");
        assertThat(Runtime.getRuntime().removeShutdownHook(cleanUp.atShutdown)).isFalse();
    }

    @Test
    void a_worker_that_shuts_down_waits_for_what_is_under_way() throws Exception {
        rust.answers(() -> OUTCOME).answers(() -> END);
        CleanUp cleanUp = begin();
        Thread hook = Thread.ofPlatform().start(cleanUp.atShutdown);
        Files.delete(workingDirectory);
        hook.join();
        assertThat(rust.calls).endsWith("close 7");
    }

    private CleanUp begin() throws InterruptedException {
        run.start("{}");
        run.follow(NOPLogger.NOP_LOGGER, new CollectingLogConsumer());
        CleanUp cleanUp = new CleanUp(run, workingDirectory, NOPLogger.NOP_LOGGER, Duration.ZERO);
        cleanUp.begin();
        return cleanUp;
    }
}
