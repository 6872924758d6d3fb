package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectWriter;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.DefaultLogConsumer;
import org.slf4j.event.Level;

import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Passes the lines of a task on to Kestra, each with a time of its own.
 *
 * <p>Kestra's log consumer heeds a given time only for messages of the form {@code ::{"logs": […]}::}, in all versions, so plain lines are passed on as
 * such. A consumer of another plugin wants to see the lines themselves, and gets them. Before Kestra 0.22 no consumer takes times, and all lines have that of
 * the clock.
 */
final class TaskLog {
    /** With these lines, Kestra 2 brackets the commands that prepare a task. What is between them has level DEBUG. */
    private static final String DEBUG_BEGINS = "##kestra:log:debug##";
    private static final String DEBUG_ENDS = "##kestra:log:info##";

    /** Some characters, such as U+2028, would end the line for Kestra. */
    private static final ObjectWriter ASCII = Json.MAPPER.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII);

    private static final Optional<TimedAccept> TIMED = TimedAccept.of(AbstractLogConsumer.class);

    private final AbstractLogConsumer consumer;
    private final InstantSource clock;
    private final Optional<TimedAccept> timedAccept;
    private final boolean isKestras;
    private final LineTimes times = new LineTimes();
    private Level stdoutLevel = Level.INFO;
    private boolean interrupted;

    TaskLog(AbstractLogConsumer consumer, InstantSource clock) {
        this(consumer, clock, TIMED);
    }

    /** @param timedAccept nothing for a consumer that takes no times */
    TaskLog(AbstractLogConsumer consumer, InstantSource clock, Optional<TimedAccept> timedAccept) {
        this.consumer = consumer;
        this.clock = clock;
        this.timedAccept = timedAccept;
        this.isKestras = consumer.getClass() == DefaultLogConsumer.class;
    }

    void write(Event.Log log) {
        List<String> lines = log.lines();
        boolean isStdErr = log.stream() == Event.Stream.STDERR;
        Optional<long[]> spread = timedAccept.flatMap(method -> times.next(log));
        if (spread.isEmpty()) {
            aside(() -> lines.stream().peek(this::heed).forEach(line -> consumer.accept(line, isStdErr)));
            return;
        }
        for (int i = 0; i < lines.size(); i++) {
            heed(lines.get(i));
            timedAccept.get().accept(consumer, timed(lines.get(i), isStdErr), isStdErr, Instant.ofEpochMilli(spread.get()[i]));
        }
    }

    /** Does what lets Kestra log something with the time of the clock. It comes after all lines so far. */
    void aside(Runnable logging) {
        catchUp();
        logging.run();
        times.passed(clock.millis());
    }

    /** Returns whether the thread was interrupted while it waited for the clock. Whoever asks has to deal with it. */
    boolean takeInterrupt() {
        boolean taken = interrupted;
        interrupted = false;
        return taken;
    }

    /** Waits until the clock has passed the last line. An interrupt ends the waiting. */
    private void catchUp() {
        long ahead = times.last() - clock.millis();
        // It may also be that the clock was set back.
        if (interrupted || ahead < 0 || ahead > LineTimes.LEAD) {
            return;
        }
        try {
            Thread.sleep(ahead + 1);
        } catch (InterruptedException e) {
            // What is still to be logged must not be logged on an interrupted thread.
            interrupted = true;
        }
    }

    private void heed(String line) {
        switch (line) {
            case DEBUG_BEGINS -> stdoutLevel = Level.DEBUG;
            case DEBUG_ENDS -> stdoutLevel = Level.INFO;
            default -> { }
        }
    }

    /** Returns what lets Kestra log the line with a given time. What the task says to Kestra itself stays as it is. */
    private String timed(String line, boolean isStdErr) {
        boolean isMessage = line.startsWith("::{") && line.endsWith("}::") || line.equals(DEBUG_BEGINS) || line.equals(DEBUG_ENDS);
        return isMessage || !isKestras ? line : message(isStdErr ? Level.ERROR : stdoutLevel, line);
    }

    private static String message(Level level, String line) {
        try {
            return "::" + ASCII.writeValueAsString(Map.of("logs", List.of(Map.of("level", level, "message", line)))) + "::";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A log line could not be written as JSON", e);
        }
    }
}
