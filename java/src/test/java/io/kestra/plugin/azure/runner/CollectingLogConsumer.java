package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Collects the lines, each with the name of its stream. */
final class CollectingLogConsumer extends AbstractLogConsumer {
    final List<String> lines = new ArrayList<>();
    boolean onInterruptedThread;

    @Override
    public void accept(String line, Boolean isStdErr) {
        onInterruptedThread |= Thread.currentThread().isInterrupted();
        lines.add((isStdErr ? "stderr " : "stdout ") + line);
    }

    @Override
    public void accept(String line, Boolean isStdErr, Instant instant) {
        accept(line, isStdErr);
    }
}
