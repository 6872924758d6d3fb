package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Collects the lines, each with the name of its stream. */
final class CollectingLogConsumer extends AbstractLogConsumer {
    final List<String> lines = new ArrayList<>();
    /** Null for a line that came without a time. */
    final List<Instant> times = new ArrayList<>();
    boolean onInterruptedThread;

    @Override
    public void accept(String line, Boolean isStdErr) {
        accept(line, isStdErr, null);
    }

    @Override
    public void accept(String line, Boolean isStdErr, Instant instant) {
        onInterruptedThread |= Thread.currentThread().isInterrupted();
        lines.add((isStdErr ? "stderr " : "stdout ") + line);
        times.add(instant);
    }
}
