package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.helpers.NOPLogger;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import static org.assertj.core.api.Assertions.assertThat;

/** A JVM that shuts down. */
class ShutdownTest {
    @Test
    @Timeout(60)
    void a_jvm_that_shuts_down_waits_for_the_clean_up_of_runs_that_finished_before_and_during_it(@TempDir Path folder) throws Exception {
        Process worker = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp", System.getProperty("java.class.path"), Worker.class.getName(), folder.toString())
            .redirectErrorStream(true).start();
        String output = new String(worker.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(worker.waitFor()).as(output).isZero();
        assertThat(output)
            .contains("before: [start, next 7, acknowledge 7, next 7 without waiting]")
            .contains("during: [start, next 7, acknowledge 7, next 7, close 7]");
    }

    /** Finishes a run, exits, and finishes another run while the JVM shuts down. */
    static final class Worker {
        public static void main(String[] folder) throws Exception {
            Path before = Files.createDirectory(Path.of(folder[0], "before"));
            FakeBoundary rust = new FakeBoundary();
            finish(rust, () -> System.out.println("before: " + rust.calls), before);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> finishDuringShutdown(Path.of(folder[0]), before)));
            System.exit(0);
        }

        private static void finishDuringShutdown(Path folder, Path before) {
            try {
                FakeBoundary rust = new FakeBoundary();
                finish(rust, () -> { }, folder);
                System.out.println("during: " + rust.calls);
                Files.delete(before);
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        /** The clean-up is a new one, which has no shutdown hook yet. */
        private static void finish(FakeBoundary rust, Runnable atTheEnd, Path workingDirectory) throws InterruptedException {
            rust.answers(() -> "[{\"type\": \"outcome\", \"status\": \"succeeded\", \"exitCode\": 0}]").answers(() -> {
                atTheEnd.run();
                return "[{\"type\": \"end\"}]";
            });
            BatchRun run = new BatchRun(() -> rust);
            run.start("{}");
            run.follow(NOPLogger.NOP_LOGGER, (step, message) -> { }, new CollectingLogConsumer());
            new CleanUp(Duration.ZERO).begin(run, workingDirectory, NOPLogger.NOP_LOGGER);
        }
    }
}
