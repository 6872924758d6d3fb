package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.mockito.Mockito;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.helpers.NOPLogger;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.when;

@Timeout(60)
class CleanUpTest {
    private static final String OUTCOME = "[{\"type\": \"outcome\", \"status\": \"succeeded\", \"exitCode\": 0}]";
    private static final String OUTCOME_AND_END = OUTCOME.replace("]", ", {\"type\": \"end\"}]");
    private static final String NOTE = "[{\"type\": \"note\", \"level\": \"INFO\", \"message\": \"Removed the job\"}]";
    private static final String END = "[{\"type\": \"end\"}]";
    private static final int RUNS = 20;

    @TempDir
    Path parent;
    private final CleanUp cleanUp = new CleanUp(Duration.ZERO);
    private final List<Path> workingDirectories = new ArrayList<>();

    @Test
    void a_run_is_cleaned_up_when_kestra_has_removed_its_working_directory() throws Exception {
        FakeBoundary rust = begin(afterItsOutcome().answers(() -> NOTE).answers(() -> END));
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(rust.calls).containsExactly("start", "next 7", "acknowledge 7", "next 7 without waiting", "next 7 without waiting", "close 7");
    }

    @Test
    void many_runs_share_one_thread_that_ends_with_the_last_of_them() throws Exception {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        List<FakeBoundary> all = new ArrayList<>();
        for (int n = 0; n < RUNS; n++) {
            all.add(begin(afterItsOutcome().answers(() -> {
                threads.add(Thread.currentThread());
                return END;
            })));
        }
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(threads).containsExactly(cleanUp.thread());
        assertThat(all).allSatisfy(rust -> assertThat(rust.calls).endsWith("close 7"));
    }

    @Test
    void a_run_after_the_last_one_is_cleaned_up_too() throws Exception {
        begin(afterItsOutcome().answers(() -> END));
        removeWorkingDirectories();
        cleanUp.thread().join();
        FakeBoundary later = begin(afterItsOutcome().answers(() -> END));
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(later.calls).endsWith("close 7");
    }

    @Test
    void a_run_that_the_library_fails_does_not_stop_the_others() throws Exception {
        FakeBoundary failing = begin(afterItsOutcome().answers(() -> {
            throw new IllegalStateException("on purpose");
        }));
        FakeBoundary other = begin(afterItsOutcome().answers(() -> null).answers(() -> END));
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(failing.calls).endsWith("close 7");
        assertThat(other.calls).endsWith("next 7 without waiting", "next 7 without waiting", "close 7");
    }

    @Test
    void a_run_whose_logger_fails_does_not_stop_the_others() throws Exception {
        Logger broken = Mockito.mock(Logger.class);
        when(broken.atLevel(any(Level.class))).thenThrow(new NoClassDefFoundError("on purpose"));
        FakeBoundary failing = begin(afterItsOutcome().answers(() -> NOTE), broken);
        FakeBoundary other = begin(afterItsOutcome().answers(() -> null).answers(() -> END));
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(failing.calls).endsWith("close 7");
        assertThat(other.calls).endsWith("next 7 without waiting", "next 7 without waiting", "close 7");
    }

    @Test
    void one_shutdown_hook_serves_all_runs_and_is_removed_with_the_last() throws Exception {
        begin(afterItsOutcome().answers(() -> END));
        Thread hook = cleanUp.shutdownHook();
        begin(afterItsOutcome().answers(() -> END));
        assertThat(cleanUp.shutdownHook()).isSameAs(hook);
        removeWorkingDirectories();
        cleanUp.thread().join();
        assertThat(Runtime.getRuntime().removeShutdownHook(hook)).isFalse();
    }

    /** It comes when the thread has no run any more and has not ended yet. */
    @Test
    void a_run_right_after_the_last_one_has_no_thread_and_no_shutdown_hook_of_its_own() throws Exception {
        for (int n = 0; n < 5; n++) {
            FakeBoundary last = begin(afterItsOutcome().answers(() -> END));
            Thread hook = cleanUp.shutdownHook();
            removeWorkingDirectories();
            while (!last.calls.contains("close 7")) {
                Thread.onSpinWait();
            }
            FakeBoundary next = begin(afterItsOutcome().answers(() -> END));
            removeWorkingDirectories();
            cleanUp.thread().join();
            assertThat(next.calls).endsWith("close 7");
            assertThat(Runtime.getRuntime().removeShutdownHook(hook)).isFalse();
        }
    }

    @Test
    void a_worker_that_shuts_down_waits_for_the_clean_up() throws Exception {
        FakeBoundary rust = begin(afterItsOutcome().answers(() -> null).answers(() -> END));
        removeWorkingDirectories();
        cleanUp.shutdownHook().run();
        assertThat(rust.calls).endsWith("close 7");
    }

    @Test
    void a_run_that_finishes_while_the_worker_shuts_down_is_cleaned_up_at_once() throws Exception {
        begin(afterItsOutcome().answers(() -> END));
        removeWorkingDirectories();
        cleanUp.shutdownHook().run();
        FakeBoundary late = begin(afterItsOutcome().answers(() -> NOTE).answers(() -> END));
        assertThat(workingDirectories.getLast()).exists();
        assertThat(late.calls).containsExactly("start", "next 7", "acknowledge 7", "next 7", "next 7", "close 7");
    }

    @Test
    void a_run_that_ended_with_its_outcome_is_closed_at_once() throws Exception {
        FakeBoundary rust = new FakeBoundary().answers(() -> OUTCOME_AND_END);
        begin(rust);
        assertThat(rust.calls).containsExactly("start", "next 7", "close 7");
        assertThat(cleanUp.thread()).isNull();
    }

    /** Further answers are those of the clean-up. */
    private static FakeBoundary afterItsOutcome() {
        return new FakeBoundary().answers(() -> OUTCOME);
    }

    private FakeBoundary begin(FakeBoundary rust, Logger logger) throws Exception {
        BatchRun run = new BatchRun(() -> rust);
        run.start("{}");
        run.follow(NOPLogger.NOP_LOGGER, (step, message) -> { }, new CollectingLogConsumer());
        Path workingDirectory = Files.createTempDirectory(parent, "work-");
        workingDirectories.add(workingDirectory);
        cleanUp.begin(run, workingDirectory, logger);
        return rust;
    }

    private FakeBoundary begin(FakeBoundary rust) throws Exception {
        return begin(rust, NOPLogger.NOP_LOGGER);
    }

    private void removeWorkingDirectories() throws Exception {
        for (Path workingDirectory : workingDirectories) {
            Files.deleteIfExists(workingDirectory);
        }
    }
}
