package io.kestra.plugin.azure.runner;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/** Replaces the Rust library: records every call and answers {@code next} as the test says. */
final class FakeBoundary implements Boundary {
    static final long RUN = 7;

    final List<String> calls = new CopyOnWriteArrayList<>();
    private final Queue<Supplier<String>> answers = new ArrayDeque<>();

    FakeBoundary answers(Supplier<String> answer) {
        answers.add(answer);
        return this;
    }

    @Override
    public long start(String requestJson) {
        calls.add("start");
        return RUN;
    }

    @Override
    public String next(long run, long timeoutMillis) {
        calls.add(timeoutMillis == 0 ? "next " + run + " without waiting" : "next " + run);
        return answers.remove().get();
    }

    @Override
    public void select(long run, String selectionJson) {
        calls.add("select " + run + " " + selectionJson);
    }

    @Override
    public void acknowledge(long run) {
        calls.add("acknowledge " + run);
    }

    @Override
    public void kill(long run) {
        calls.add("kill " + run);
    }

    @Override
    public void close(long run) {
        calls.add("close " + run);
    }
}
