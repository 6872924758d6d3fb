package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
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
    private static final int ERROR_SECONDS = 5;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private final String name;
    private final Instant started = Instant.now();
    private final Queue<LogEntry> waiting = new PriorityQueue<>(Comparator.comparing(LogEntry::getTimestamp));
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    private final CountDownLatch error = new CountDownLatch(1);
    private Instant lastLine = started;

    /** @param name who speaks */
    Console(String name) {
        this.name = name;
        ticker.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** A line of our own, after everything that was logged before. */
    synchronized void say(String format, Object... arguments) {
        showUntil(Instant.MAX);
        print("[" + name + "] " + format.formatted(arguments));
    }

    /** A line that a flow has logged, at the levels that Kestra's UI shows by default. */
    synchronized void show(LogEntry entry) {
        if (entry.getLevel().toInt() >= Level.INFO.toInt()) {
            waiting.add(entry);
        }
        if (entry.getLevel() == Level.ERROR) {
            error.countDown();
        }
    }

    /** Waits for the line that says why a flow failed: it may come a little later than the flow's end. */
    void awaitError() throws InterruptedException {
        if (!error.await(ERROR_SECONDS, TimeUnit.SECONDS)) {
            say("no error was logged within %d s", ERROR_SECONDS);
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
    public synchronized void close() {
        ticker.shutdownNow();
        showUntil(Instant.MAX);
    }
}
