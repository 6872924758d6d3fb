package io.kestra.plugin.azure.runner;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Takes care of finished runs: the job and the staged files of each are removed once Kestra has recorded its outcome. A worker that dies before that
 * leaves them, and the next worker reports the outcome again.
 *
 * <p>One thread and one shutdown hook serve all runs. They exist only while there is a finished run, because they keep the plugin's class loader in memory.
 */
final class CleanUp {
    /** Kestra 2 sends the outcome from another thread while it removes the working directory. */
    private static final Duration SENDING = Duration.ofSeconds(2);

    /** How long a JVM that shuts down waits for the working directories to be removed, and then for the clean-up. */
    private static final Duration SHUTDOWN = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(100);
    private static final Logger LOG = LoggerFactory.getLogger(CleanUp.class);

    private final Duration sending;

    /** This and the fields below are guarded by the lock of this object. */
    private final List<FinishedRun> runs = new ArrayList<>();
    /** The thread goes on. It may also find that there is no run any more, and end. */
    private boolean working;
    private Thread thread;
    private Thread shutdownHook;
    private boolean shuttingDown;

    CleanUp() {
        this(SENDING);
    }

    /** @param sending how long after the removal of a working directory Kestra may still be sending the outcome */
    CleanUp(Duration sending) {
        this.sending = sending;
    }

    /** Returns at once. Only while the JVM shuts down, when nothing would be done later, it returns after the clean-up. */
    void begin(BatchRun run, Path workingDirectory, Logger logger) {
        if (run.hasEnded()) {
            run.close();
        } else if (!add(new FinishedRun(run, workingDirectory, logger, sending, Instant.now()))) {
            run.finish(logger);
        }
    }

    /** Returns false if the JVM is shutting down. */
    private synchronized boolean add(FinishedRun run) {
        if (shuttingDown || (!working && !addShutdownHook())) {
            return false;
        }
        runs.add(run);
        if (!working) {
            working = true;
            thread = newThread(this::cleanUp);
            thread.start();
        }
        return true;
    }

    private void cleanUp() {
        List<FinishedRun> remaining = remaining();
        while (!remaining.isEmpty()) {
            remaining.stream().filter(CleanUp::hasEnded).forEach(this::remove);
            pause();
            remaining = remaining();
        }
    }

    /** Returns a copy. When it is empty the thread ends, and the next run starts another. */
    private synchronized List<FinishedRun> remaining() {
        if (runs.isEmpty()) {
            working = false;
            removeShutdownHook();
        }
        return List.copyOf(runs);
    }

    private synchronized void remove(FinishedRun run) {
        runs.remove(run);
    }

    private static boolean hasEnded(FinishedRun run) {
        try {
            return run.step(Instant.now());
        } catch (RuntimeException | Error e) {
            // An Error too: the thread goes on for the other runs.
            LOG.warn("The clean-up after a run on Azure Batch failed; its job or its staged files may remain", e);
            return true;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            // Nobody has a reason to interrupt this thread; it ends with the last run.
        }
    }

    private boolean addShutdownHook() {
        Thread hook = newThread(this::shutDown);
        try {
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException alreadyShuttingDown) {
            return false;
        }
        shutdownHook = hook;
        return true;
    }

    private void removeShutdownHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException alreadyShuttingDown) {
            // The hook runs, and the JVM ends after it.
        }
    }

    private void shutDown() {
        try {
            hurry().join(SHUTDOWN.multipliedBy(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Thread hurry() {
        shuttingDown = true;
        Instant deadline = Instant.now().plus(SHUTDOWN);
        runs.forEach(run -> run.removalUntil(deadline));
        return thread;
    }

    /** A thread that inherits nothing from the Kestra task that happens to start it, in particular not its class loader. */
    private static Thread newThread(Runnable task) {
        return Thread.ofPlatform().name("kestra-azure-batch-clean-up").daemon().inheritInheritableThreadLocals(false).unstarted(task);
    }

    synchronized Thread thread() {
        return thread;
    }

    synchronized Thread shutdownHook() {
        return shutdownHook;
    }
}
