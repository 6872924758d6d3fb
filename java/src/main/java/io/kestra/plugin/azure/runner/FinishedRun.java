package io.kestra.plugin.azure.runner;

import org.slf4j.Logger;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

/**
 * A run after its outcome: it waits until Kestra has recorded the outcome, acknowledges it and passes on what the clean-up reports.
 *
 * <p>Kestra does not say when it has recorded an outcome, but it removes the task's working directory right after it has queued the outcome.
 */
final class FinishedRun {
    /** How long to wait for the removal. The tasks of a WorkingDirectory share one, and it is removed after the last of them. */
    static final Duration REMOVAL_LIMIT = Duration.ofMinutes(5);

    private final BatchRun run;
    private final Path workingDirectory;
    private final Logger logger;
    private final Duration sending;
    private volatile Instant removalDeadline;
    private Instant recorded;
    private boolean acknowledged;

    /**
     * @param sending how long after the removal Kestra may still be sending the outcome
     * @param now the time of the call
     */
    FinishedRun(BatchRun run, Path workingDirectory, Logger logger, Duration sending, Instant now) {
        this.run = run;
        this.workingDirectory = workingDirectory;
        this.logger = logger;
        this.sending = sending;
        this.removalDeadline = now.plus(REMOVAL_LIMIT);
    }

    /**
     * Does what can be done without waiting. Returns whether the run has ended. It is closed then, and also if this throws an exception.
     *
     * @param now the time of the call
     */
    boolean step(Instant now) {
        boolean ended = true;
        try {
            ended = isAcknowledged(now) && run.drain(logger);
            return ended;
        } finally {
            if (ended) {
                run.close();
            }
        }
    }

    /** Shortens the wait for the removal of the working directory. From any thread. */
    void removalUntil(Instant deadline) {
        if (deadline.isBefore(removalDeadline)) {
            removalDeadline = deadline;
        }
    }

    private boolean isAcknowledged(Instant now) {
        if (!acknowledged && isRecorded(now)) {
            run.acknowledge();
            acknowledged = true;
        }
        return acknowledged;
    }

    private boolean isRecorded(Instant now) {
        if (recorded == null && (Files.notExists(workingDirectory) || !now.isBefore(removalDeadline))) {
            recorded = now.plus(sending);
        }
        return recorded != null && !now.isBefore(recorded);
    }
}
