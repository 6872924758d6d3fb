package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.helpers.NOPLogger;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class FinishedRunTest {
    private static final Instant START = Instant.EPOCH;
    private static final Duration SENDING = Duration.ofSeconds(2);
    private static final Duration MOMENT = Duration.ofMillis(1);
    private static final String END = "[{\"type\": \"end\"}]";

    @TempDir
    Path parent;
    private Path workingDirectory;
    private final FakeBoundary rust = new FakeBoundary();
    private FinishedRun run;

    @BeforeEach
    void finishARun() throws Exception {
        workingDirectory = Files.createDirectory(parent.resolve("work"));
        BatchRun started = new BatchRun(() -> rust);
        started.start("{}");
        rust.calls.clear();
        run = new FinishedRun(started, workingDirectory, NOPLogger.NOP_LOGGER, SENDING, START);
    }

    @Test
    void nothing_is_removed_before_kestra_has_removed_the_working_directory() {
        assertThat(run.step(START)).isFalse();
        assertThat(run.step(START.plus(FinishedRun.REMOVAL_LIMIT).minus(MOMENT))).isFalse();
        assertThat(rust.calls).isEmpty();
    }

    @Test
    void nothing_is_removed_while_kestra_may_still_be_sending_the_outcome() throws Exception {
        rust.answers(() -> END);
        Files.delete(workingDirectory);
        assertThat(run.step(START)).isFalse();
        assertThat(run.step(START.plus(SENDING).minus(MOMENT))).isFalse();
        assertThat(rust.calls).isEmpty();

        assertThat(run.step(START.plus(SENDING))).isTrue();
        assertThat(rust.calls).containsExactly("acknowledge 7", "next 7 without waiting", "close 7");
    }

    @Test
    void a_working_directory_that_stays_delays_the_clean_up_for_a_limited_time() {
        rust.answers(() -> END);
        assertThat(run.step(START.plus(FinishedRun.REMOVAL_LIMIT))).isFalse();
        assertThat(run.step(START.plus(FinishedRun.REMOVAL_LIMIT).plus(SENDING))).isTrue();
        assertThat(rust.calls).startsWith("acknowledge 7");
    }

    @Test
    void a_shutdown_shortens_the_delay() {
        rust.answers(() -> END);
        run.removalUntil(START);
        assertThat(run.step(START)).isFalse();
        assertThat(run.step(START.plus(SENDING))).isTrue();
    }

    @Test
    void a_shutdown_never_lengthens_the_delay() {
        run.removalUntil(START.plus(FinishedRun.REMOVAL_LIMIT).plus(MOMENT));
        rust.answers(() -> END);
        run.step(START.plus(FinishedRun.REMOVAL_LIMIT));
        assertThat(run.step(START.plus(FinishedRun.REMOVAL_LIMIT).plus(SENDING))).isTrue();
    }

    @Test
    void an_outcome_is_acknowledged_once_and_notes_are_read_until_the_end() throws Exception {
        rust.answers(() -> null).answers(() -> "[{\"type\": \"note\", \"level\": \"INFO\", \"message\": \"Removed the job\"}]").answers(() -> END);
        Files.delete(workingDirectory);
        run.step(START);
        Instant later = START.plus(SENDING);
        assertThat(run.step(later)).isFalse();
        assertThat(run.step(later)).isFalse();
        assertThat(run.step(later)).isTrue();
        assertThat(rust.calls).containsExactly("acknowledge 7", "next 7 without waiting", "next 7 without waiting", "next 7 without waiting", "close 7");
    }

    @Test
    void a_run_that_fails_is_closed() throws Exception {
        rust.answers(() -> {
            throw new IllegalStateException("no such run");
        });
        Files.delete(workingDirectory);
        run.step(START);
        assertThatThrownBy(() -> run.step(START.plus(SENDING))).hasMessage("no such run");
        assertThat(rust.calls).endsWith("close 7");
    }
}
