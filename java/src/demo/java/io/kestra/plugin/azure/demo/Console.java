package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.event.Level;

/** Prints what a user wants to see while a flow runs, and a sign of life when there is nothing to see. */
final class Console implements AutoCloseable {
    private static final Duration SILENCE = Duration.ofSeconds(5);
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private final Instant started = Instant.now();
    private final ScheduledExecutorService heartbeat = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    private Instant lastLine = started;

    Console() {
        heartbeat.scheduleAtFixedRate(this::breakSilence, 1, 1, TimeUnit.SECONDS);
    }

    /** A line of the demo itself. */
    synchronized void say(String format, Object... arguments) {
        System.out.println("[demo] " + format.formatted(arguments));
        lastLine = Instant.now();
    }

    /** A line that a flow has logged, at the levels that Kestra's UI shows by default. */
    synchronized void show(LogEntry entry) {
        if (entry.getLevel().toInt() < Level.INFO.toInt()) {
            return;
        }
        System.out.printf("%s %-5s %s | %s%n", TIME.format(entry.getTimestamp()), entry.getLevel(), entry.getTaskId(), entry.getMessage());
        lastLine = Instant.now();
    }

    private synchronized void breakSilence() {
        if (lastLine.plus(SILENCE).isBefore(Instant.now())) {
            say("… %d s since the start", Duration.between(started, Instant.now()).toSeconds());
        }
    }

    @Override
    public void close() {
        heartbeat.shutdownNow();
    }
}
