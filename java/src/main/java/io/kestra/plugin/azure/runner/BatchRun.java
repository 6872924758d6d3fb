package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import org.slf4j.Logger;

import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/** One run of the Rust library. Another thread may kill it at any time. */
final class BatchRun {
    /** In milliseconds. An interrupt is noticed this much later at most, because it does not end a native call. */
    private static final long NEXT_TIMEOUT = 50;

    private final Supplier<Boundary> library;
    private Boundary boundary;
    private long id;
    private boolean killed;
    private boolean ended;

    /** @param library is called only when the run starts, so that a run that was killed before does not load the library */
    BatchRun(Supplier<Boundary> library) {
        this.library = library;
    }

    /**
     * Starts the run, unless it has been killed already.
     *
     * @throws CancellationException if it has been killed
     */
    synchronized void start(String requestJson) {
        if (killed) {
            throw new CancellationException("The task was killed before its Batch job was submitted");
        }
        Boundary loaded = library.get();
        id = loaded.start(requestJson);
        boundary = loaded;
    }

    /**
     * Passes notes, steps and log lines on until the outcome is there, and returns it. An outcome that has come with an interrupt is returned.
     *
     * @param progress takes the name of a step and a message
     * @throws InterruptedException if the thread is interrupted before the outcome; the run is then closed, and the Batch job goes on
     */
    Event.Outcome follow(Logger logger, BiConsumer<String, String> progress, AbstractLogConsumer logConsumer) throws InterruptedException {
        TaskLog log = new TaskLog(logConsumer, InstantSource.system());
        Event.Outcome outcome = null;
        try {
            while (outcome == null) {
                outcome = followOnce(logger, progress, log);
            }
            return outcome;
        } finally {
            if (outcome == null) {
                close();
            }
        }
    }

    /** Passes the next events on. Returns the outcome if it is among them, otherwise null. */
    private Event.Outcome followOnce(Logger logger, BiConsumer<String, String> progress, TaskLog log) throws InterruptedException {
        List<Event> events = next(NEXT_TIMEOUT);
        // Cleared while lines are passed on, because Kestra's queue may fail on an interrupted thread.
        boolean interrupted = Thread.interrupted();
        events.forEach(event -> pass(event, logger, progress, log));
        interrupted |= log.takeInterrupt();
        Optional<Event> outcome = events.stream().filter(Event.Outcome.class::isInstance).findFirst();
        if (interrupted && outcome.isEmpty()) {
            throw new InterruptedException("Interrupted while waiting for the Batch task");
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return (Event.Outcome) outcome.orElse(null);
    }

    /** Whether the last event has come. */
    boolean hasEnded() {
        return ended;
    }

    /** Says that Kestra has recorded the outcome, so that the clean-up begins. */
    void acknowledge() {
        boundary.acknowledge(id);
    }

    /** Passes on, without waiting, the notes that have come since the outcome. Returns whether the run has ended. */
    boolean drain(Logger logger) {
        return drain(logger, 0);
    }

    private boolean drain(Logger logger, long timeout) {
        if (!ended) {
            // No step and no log line of the task comes after the outcome.
            next(timeout).forEach(event -> passAside(event, logger, null));
        }
        return ended;
    }

    /** After the outcome: acknowledges it, waits for the end of the clean-up and closes the run. An interrupt ends the waiting, not the clean-up. */
    void finish(Logger logger) {
        try {
            acknowledge();
            while (!Thread.currentThread().isInterrupted() && !drain(logger, NEXT_TIMEOUT)) {
                // drain() has waited.
            }
        } finally {
            close();
        }
    }

    private void pass(Event event, Logger logger, BiConsumer<String, String> progress, TaskLog log) {
        if (event instanceof Event.Log lines) {
            log.write(lines);
        } else {
            log.aside(() -> passAside(event, logger, progress));
        }
    }

    /** Passes on what is not a line of the task. */
    private void passAside(Event event, Logger logger, BiConsumer<String, String> progress) {
        switch (event) {
            case Event.Note note -> note.writeTo(logger);
            case Event.Progress step -> progress.accept(step.step(), step.message());
            case Event.Select select -> boundary.select(id, select.answer());
            case Event.Log log -> { }
            case Event.Outcome outcome -> { }
            case Event.End end -> ended = true;
        }
    }

    /** Ends the Batch job, or prevents it from being created. Also after {@link #close}: Kestra kills a task that timed out when {@code run} has returned. */
    synchronized void kill() {
        killed = true;
        if (boundary != null) {
            boundary.kill(id);
        }
    }

    /** Ends the reading of events. The Batch job goes on. */
    void close() {
        boundary.close(id);
    }

    private List<Event> next(long timeout) {
        String events = boundary.next(id, timeout);
        return events == null ? List.of() : Event.parse(events);
    }
}
