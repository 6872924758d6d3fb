package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import org.slf4j.Logger;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** One run of the Rust side, from its start to its outcome, that may be killed from another thread at any moment. */
final class BatchRun {
    /** In milliseconds: how long an interrupt may go unseen, because a native call cannot be interrupted. A process that is told to end does not wait long. */
    private static final long PULL_TIMEOUT = 50;

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
     * Passes notes and log lines on until the run is over and cleaned up. An interrupt does not lose an outcome that has come.
     *
     * @throws InterruptedException if the thread is interrupted before that; the Batch job knows nothing of it
     */
    Event.Outcome follow(Logger logger, AbstractLogConsumer logConsumer) throws InterruptedException {
        Event.Outcome outcome = null;
        while (true) {
            List<Event> events = next();
            // Put aside while lines are passed on: what Kestra sends them through may fail on an interrupted thread.
            boolean interrupted = Thread.interrupted();
            events.forEach(event -> pass(event, logger, logConsumer));
            outcome = events.stream().filter(Event.Outcome.class::isInstance).map(Event.Outcome.class::cast).findFirst().orElse(outcome);
            if (interrupted && outcome == null) {
                throw new InterruptedException("Interrupted while waiting for the Batch task");
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            if (interrupted || events.contains(new Event.End())) {
                return outcome;
            }
        }
    }

    private static void pass(Event event, Logger logger, AbstractLogConsumer logConsumer) {
        switch (event) {
            case Event.Note note -> note.writeTo(logger);
            case Event.Log log -> log.writeTo(logConsumer);
            case Event.Outcome outcome -> { }
            case Event.End end -> { }
        }
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
