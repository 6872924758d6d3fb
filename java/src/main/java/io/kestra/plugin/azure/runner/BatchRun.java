package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import org.slf4j.Logger;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;

/** One run of the Rust side, from its start to its end, that may be killed from another thread at any moment. */
final class BatchRun {
    /** In milliseconds: how long an interrupt may go unseen, because a native call cannot be interrupted. A process that is told to end does not wait long. */
    private static final long PULL_TIMEOUT = 50;

    private final Supplier<Boundary> library;
    private Boundary boundary;
    private long id;
    private boolean killed;
    private volatile boolean ended;

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
     * Passes notes and log lines on until the outcome is there. An interrupt does not lose one that has come.
     *
     * @throws InterruptedException if the thread is interrupted before that; the run is detached then, and the Batch job knows nothing of it
     */
    Event.Outcome follow(Logger logger, AbstractLogConsumer logConsumer) throws InterruptedException {
        Event.Outcome outcome = null;
        try {
            while (outcome == null) {
                outcome = followOn(logger, logConsumer);
            }
            return outcome;
        } finally {
            if (outcome == null) {
                detach();
            }
        }
    }

    /** Gives the outcome if it is among the next events. */
    private Event.Outcome followOn(Logger logger, AbstractLogConsumer logConsumer) throws InterruptedException {
        List<Event> events = next();
        // Put aside while lines are passed on: what Kestra sends them through may fail on an interrupted thread.
        boolean interrupted = Thread.interrupted();
        events.forEach(event -> pass(event, logger, logConsumer));
        Optional<Event> outcome = events.stream().filter(Event.Outcome.class::isInstance).findFirst();
        if (interrupted && outcome.isEmpty()) {
            throw new InterruptedException("Interrupted while waiting for the Batch task");
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return (Event.Outcome) outcome.orElse(null);
    }

    /** After the outcome: lets Rust remove what the run made, and passes on what it says of it. An interrupt leaves that to Rust alone. */
    void finish(Logger logger) {
        try {
            while (!ended && !Thread.currentThread().isInterrupted()) {
                // No line of the task follows its outcome.
                next().forEach(event -> pass(event, logger, null));
            }
        } finally {
            detach();
        }
    }

    private void pass(Event event, Logger logger, AbstractLogConsumer logConsumer) {
        switch (event) {
            case Event.Note note -> note.writeTo(logger);
            case Event.Log log -> log.writeTo(logConsumer);
            case Event.Outcome outcome -> { }
            case Event.End end -> ended = true;
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
