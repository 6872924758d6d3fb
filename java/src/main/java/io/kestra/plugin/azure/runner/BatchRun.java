package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import org.slf4j.Logger;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** One run of the Rust side, from its start to its outcome, that may be killed from another thread at any moment. */
final class BatchRun {
    /** In milliseconds: how long an interrupt may go unseen, because a native call cannot be interrupted. */
    private static final long PULL_TIMEOUT = 200;

    private final Supplier<Boundary> library;
    private Boundary boundary;
    private long id;
    private boolean killed;

    /** @param library is asked only if the run starts, so that a run killed before needs none */
    BatchRun(Supplier<Boundary> library) {
        this.library = library;
    }

    /**
     * Starts the run, unless it has been killed already.
     *
     * @throws CancellationException if it has
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
     * Passes notes and log lines on until the outcome comes.
     *
     * @throws InterruptedException if the thread is interrupted; the Batch job knows nothing of it
     */
    Event.Outcome follow(Logger logger, AbstractLogConsumer logConsumer) throws InterruptedException {
        while (true) {
            List<Event> events = next();
            // Put aside while lines are passed on: what Kestra sends them through may fail on an interrupted thread.
            boolean interrupted = Thread.interrupted();
            Event.Outcome outcome = pass(events, logger, logConsumer);
            if (interrupted) {
                if (outcome == null) {
                    throw new InterruptedException("Interrupted while waiting for the Batch task");
                }
                Thread.currentThread().interrupt();
            }
            if (outcome != null) {
                return outcome;
            }
        }
    }

    /** @return the outcome, or null if it is not among the events */
    private static Event.Outcome pass(List<Event> events, Logger logger, AbstractLogConsumer logConsumer) {
        for (Event event : events) {
            switch (event) {
                case Event.Note note -> note.writeTo(logger);
                case Event.Log log -> log.writeTo(logConsumer);
                case Event.Outcome outcome -> {
                    return outcome;
                }
            }
        }
        return null;
    }

    /** Ends the Batch job, or keeps it from being made. Also after {@link #detach}: Kestra kills a task that ran out of time after it has unwound. */
    synchronized void kill() {
        killed = true;
        if (boundary != null) {
            boundary.kill(id);
        }
    }

    /** Stops listening and leaves the Batch job alone. */
    void detach() {
        boundary.close(id);
    }

    private List<Event> next() {
        String events = boundary.next(id, PULL_TIMEOUT);
        return events == null ? List.of() : Event.parse(events);
    }
}
