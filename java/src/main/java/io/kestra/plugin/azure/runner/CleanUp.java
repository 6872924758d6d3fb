package io.kestra.plugin.azure.runner;

import org.slf4j.Logger;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * What follows an outcome: the job and the staged files are removed once Kestra has the outcome in its books. A worker that dies before that leaves
 * them, and the next hands the outcome over again.
 *
 * <p>Kestra does not say when that is, but it takes the task's working directory away right after.
 */
final class CleanUp {
    /** For tasks that share a working directory, which goes with the last of them. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    /** Kestra 2 sends the outcome while it takes the directory away. */
    private static final Duration SENDING = Duration.ofSeconds(2);

    /** How long a JVM that shuts down waits for the directory to go, and then for what is to be removed. */
    private static final Duration SHUTDOWN = Duration.ofSeconds(10);

    private static final long PAUSE = 100;

    private final BatchRun run;
    private final Path workingDirectory;
    private final Logger logger;
    private final Duration sending;
    final Thread thread = Thread.ofPlatform().daemon().name("kestra-azure-batch-clean-up").unstarted(this::cleanUpInTime);
    final Thread atShutdown = new Thread(this::hurry);
    private volatile Instant deadline = Instant.now().plus(PATIENCE);

    CleanUp(BatchRun run, Path workingDirectory, Logger logger) {
        this(run, workingDirectory, logger, SENDING);
    }

    /** @param sending how long it may take to send the outcome */
    CleanUp(BatchRun run, Path workingDirectory, Logger logger, Duration sending) {
        this.run = run;
        this.workingDirectory = workingDirectory;
        this.logger = logger;
        this.sending = sending;
    }

    /** Returns at once, unless the JVM is shutting down: then nobody would see to it later. */
    void begin() {
        try {
            Runtime.getRuntime().addShutdownHook(atShutdown);
        } catch (IllegalStateException shuttingDown) {
            run.finish(logger);
            return;
        }
        thread.start();
    }

    private void cleanUpInTime() {
        try {
            awaitBooks();
            run.finish(logger);
        } catch (InterruptedException e) {
            run.detach();
        } finally {
            forgetHook();
        }
    }

    private void awaitBooks() throws InterruptedException {
        while (Files.exists(workingDirectory) && Instant.now().isBefore(deadline)) {
            Thread.sleep(PAUSE);
        }
        Thread.sleep(sending);
    }

    private void hurry() {
        deadline = Instant.now().plus(SHUTDOWN);
        try {
            thread.join(SHUTDOWN.multipliedBy(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** It would hold the plugin's class loader. */
    private void forgetHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(atShutdown);
        } catch (IllegalStateException shuttingDown) {
            // It is running, and holds nothing for long.
        }
    }
}
