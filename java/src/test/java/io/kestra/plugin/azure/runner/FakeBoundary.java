package io.kestra.plugin.azure.runner;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Supplier;

/** Stands in for the Rust library: writes down what it is asked, and answers as it was told. */
final class FakeBoundary implements Boundary {
    static final long RUN = 7;

    final List<String> calls = new ArrayList<>();
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
        calls.add("next " + run);
        return answers.remove().get();
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
