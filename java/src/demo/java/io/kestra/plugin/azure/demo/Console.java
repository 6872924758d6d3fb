package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.LogEntry;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.event.Level;

/** Prints the log of the flows, and from time to time the elapsed time if there are no new lines. */
final class Console implements AutoCloseable {
    private static final Duration SILENCE = Duration.ofSeconds(5);
    /** How late an entry may arrive. Entries that are older than this are in the order of their time stamps. */
    private static final Duration DISORDER = Duration.ofMillis(300);
    private static final int TICK_MILLIS = 100;
    private static final int ERROR_SECONDS = 5;
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS").withZone(ZoneId.systemDefault());

    private final String name;
    private final Instant started = Instant.now();
    private final Queue<LogEntry> waiting = new PriorityQueue<>(Comparator.comparing(LogEntry::getTimestamp));
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(Thread.ofPlatform().daemon().factory());
    private final CountDownLatch error = new CountDownLatch(1);
    private final List<LogEntry> seen = new ArrayList<>();
    private Supplier<List<LogEntry>> log = List::of;
    private Instant lastLine = started;

    /** @param name the program that prints */
    Console(String name) {
        this.name = name;
        ticker.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Prints what flows log, at the levels that Kestra's UI shows by default, until the result is closed. */
    synchronized Following follow(Supplier<List<LogEntry>> log) {
        this.log = log;
        return this::unfollow;
    }

    /** Stops printing a log. */
    interface Following extends AutoCloseable {
        @Override
        void close();
    }

    private synchronized void unfollow() {
        showUntil(Instant.MAX);
        log = List::of;
    }

    /** Prints a line of this program, after everything that was logged before. */
    synchronized void say(String format, Object... arguments) {
        showUntil(Instant.MAX);
        print("[" + name + "] " + format.formatted(arguments));
    }

    /** Waits for the line that says why a flow failed. It may arrive shortly after the flow has ended. */
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

    private void fetch() {
        var fresh = new ArrayList<>(log.get());
        seen.forEach(fresh::remove);
        seen.addAll(fresh);
        fresh.stream().filter(entry -> entry.getLevel().toInt() >= Level.INFO.toInt()).forEach(waiting::add);
        if (fresh.stream().anyMatch(entry -> entry.getLevel() == Level.ERROR)) {
            error.countDown();
        }
    }

    private void showUntil(Instant limit) {
        fetch();
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
