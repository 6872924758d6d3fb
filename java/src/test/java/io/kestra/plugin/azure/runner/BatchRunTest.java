package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.helpers.NOPLogger;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class BatchRunTest {
    private final FakeBoundary rust = new FakeBoundary();
    private final BatchRun run = new BatchRun(() -> rust);
    private final CollectingLogConsumer logConsumer = new CollectingLogConsumer();
    private final List<String> steps = new ArrayList<>();

    @AfterEach
    void forgetTheInterrupt() {
        Thread.interrupted();
    }

    @Test
    void a_run_is_followed_to_its_outcome_and_no_further() throws Exception {
        rust.answers(() -> null).answers(BatchRunTest::fixtureUpToTheOutcome);
        run.start("{}");
        Event.Outcome outcome = follow();
        assertThat(outcome.status()).isEqualTo(Event.Status.SUCCEEDED);
        assertThat(logConsumer.lines).hasSize(3);
        assertThat(steps).containsExactly("files.staging: Staging: 1,204 of 10,000 files, 4.7 of 39.1 MiB, 1.2 MiB/s");
        assertThat(rust.calls).containsExactly("start", "next 7", "next 7", "select 7 [[0,2],[1,3]]");
    }

    @Test
    void a_run_is_finished_by_its_acknowledgement_and_by_reading_to_the_end() throws Exception {
        rust.answers(BatchRunTest::fixtureUpToTheOutcome).answers(() -> null).answers(() -> "[{\"type\": \"end\"}]");
        run.start("{}");
        follow();
        run.finish(NOPLogger.NOP_LOGGER);
        assertThat(rust.calls).containsExactly("start", "next 7", "select 7 [[0,2],[1,3]]", "acknowledge 7", "next 7", "next 7", "close 7");
    }

    @Test
    void a_run_that_ended_with_its_outcome_is_not_read_again() throws Exception {
        rust.answers(BatchRunTest::fixture);
        run.start("{}");
        follow();
        assertThat(run.hasEnded()).isTrue();
        assertThat(run.drain(NOPLogger.NOP_LOGGER)).isTrue();
        assertThat(rust.calls).containsExactly("start", "next 7", "select 7 [[0,2],[1,3]]");
    }

    @Test
    void notes_after_the_outcome_are_read_without_waiting() throws Exception {
        rust.answers(BatchRunTest::fixtureUpToTheOutcome).answers(() -> null).answers(() -> "[{\"type\": \"end\"}]");
        run.start("{}");
        follow();
        assertThat(run.drain(NOPLogger.NOP_LOGGER)).isFalse();
        assertThat(run.drain(NOPLogger.NOP_LOGGER)).isTrue();
        assertThat(rust.calls).endsWith("next 7 without waiting", "next 7 without waiting");
    }

    @Test
    void kill_before_start_starts_nothing() {
        run.kill();
        assertThatThrownBy(() -> run.start("{}")).isInstanceOf(CancellationException.class);
        assertThat(rust.calls).isEmpty();
    }

    @Test
    void kill_while_running_reaches_rust() {
        run.start("{}");
        run.kill();
        assertThat(rust.calls).containsExactly("start", "kill 7");
    }

    @Test
    void an_interrupt_ends_the_following_but_not_the_job() {
        rust.answers(() -> {
            Thread.currentThread().interrupt();
            return null;
        });
        run.start("{}");
        assertThatThrownBy(this::follow).isInstanceOf(InterruptedException.class);
        assertThat(rust.calls).containsExactly("start", "next 7", "close 7");
    }

    @Test
    void an_outcome_that_comes_with_an_interrupt_counts_and_the_interrupt_stays() throws Exception {
        rust.answers(() -> {
            Thread.currentThread().interrupt();
            return fixture();
        });
        run.start("{}");
        assertThat(follow().status()).isEqualTo(Event.Status.SUCCEEDED);
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }

    @Test
    void an_interrupt_leaves_the_rest_of_the_clean_up_to_rust() throws Exception {
        rust.answers(BatchRunTest::fixtureUpToTheOutcome).answers(() -> {
            Thread.currentThread().interrupt();
            return null;
        });
        run.start("{}");
        follow();
        run.finish(NOPLogger.NOP_LOGGER);
        assertThat(rust.calls).containsExactly("start", "next 7", "select 7 [[0,2],[1,3]]", "acknowledge 7", "next 7", "close 7");
    }

    @Test
    void log_lines_that_came_with_an_interrupt_are_not_lost() {
        rust.answers(() -> {
            Thread.currentThread().interrupt();
            return "[{\"type\": \"log\", \"stream\": \"stdout\", \"lines\": [\"last words\"]}]";
        });
        run.start("{}");
        assertThatThrownBy(this::follow).isInstanceOf(InterruptedException.class);
        assertThat(logConsumer.lines).containsExactly("stdout last words");
        assertThat(logConsumer.onInterruptedThread).isFalse();
    }

    @Test
    void a_kill_after_the_close_still_ends_the_job() {
        run.start("{}");
        run.close();
        run.kill();
        assertThat(rust.calls).containsExactly("start", "close 7", "kill 7");
    }

    private Event.Outcome follow() throws InterruptedException {
        return run.follow(NOPLogger.NOP_LOGGER, (step, message) -> steps.add(step + ": " + message), logConsumer);
    }

    private static String fixtureUpToTheOutcome() {
        return fixture().replace(",{\"type\":\"end\"}", "");
    }

    private static String fixture() {
        try {
            return Fixtures.read("events.json").toString();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
