package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.event.Level;

/** Prints what a user wants to see while a flow runs, and a sign of life when there is nothing to see. */
final class Console implements AutoCloseable {
    private static final Duration SILENCE = Duration.ofSeconds(5);
    /** Kestra's queue hands entries over in about the order of their time stamps: this much later it is the exact order. */
    private static final Duration DISORDER = Duration.ofMillis(300);
    private static final int TICK_MILLIS = 100;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private final Instant started = Instant.now();
    private final Queue<LogEntry> waiting = new PriorityQueue<>(Comparator.comparing(LogEntry::getTimestamp));
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    private Instant lastLine = started;

    Console() {
        ticker.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** A line of the demo itself, after everything that was logged before. */
    synchronized void say(String format, Object... arguments) {
        showUntil(Instant.MAX);
        print("[demo] " + format.formatted(arguments));
    }

    /** A line that a flow has logged, at the levels that Kestra's UI shows by default. */
    synchronized void show(LogEntry entry) {
        if (entry.getLevel().toInt() >= Level.INFO.toInt()) {
            waiting.add(entry);
        }
    }

    private synchronized void tick() {
        var now = Instant.now();
        showUntil(now.minus(DISORDER));
        if (lastLine.plus(SILENCE).isBefore(now)) {
            say("… %d s since the start", Duration.between(started, now).toSeconds());
        }
    }

    private void showUntil(Instant limit) {
        while (!waiting.isEmpty() && waiting.peek().getTimestamp().isBefore(limit)) {
            var entry = waiting.remove();
            print("%s %-5s %s | %s".formatted(TIME.format(entry.getTimestamp()), entry.getLevel(), entry.getTaskId(), entry.getMessage()));
        }
    }

    private void print(String line) {
        System.out.println(line);
        lastLine = Instant.now();
    }

    @Override
    public void close() {
        ticker.shutdownNow();
    }
}
