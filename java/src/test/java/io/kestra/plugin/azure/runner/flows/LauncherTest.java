package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The launcher of the demo and of these tests must end all of its processes, however it is stopped itself. */
class LauncherTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    /** The guard, Azurite, the emulator, the command and the command's child. */
    private static final int PROCESSES = 5;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM", "KILL"})
    void a_stopped_launcher_leaves_no_process_behind(String signal) throws Exception {
        var started = folder.resolve("started");
        var launcher = new ProcessBuilder("tests/kit/launch", "--", "sh", "-c", "sleep 600 & : > " + started + "; wait").start();
        try {
            assertThat(Poll.until(LIMIT, () -> Files.exists(started))).as("the command has started").isTrue();
            var all = launcher.descendants().map(ProcessHandle::pid).toList();
            assertThat(all).hasSize(PROCESSES);

            new ProcessBuilder("kill", "-" + signal, Long.toString(launcher.pid())).start().waitFor();

            assertThat(Poll.until(LIMIT, () -> running(all).isEmpty())).as(() -> "still running: " + running(all)).isTrue();
        } finally {
            launcher.destroy();
        }
    }

    /** Returns the processes that have a command line. A process that has ended has none, even if its parent has not waited for it yet. */
    private static List<Long> running(List<Long> pids) {
        return pids.stream().filter(pid -> !commandLine(pid).isEmpty()).toList();
    }

    private static String commandLine(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"));
        } catch (IOException e) {
            return "";
        }
    }
}
