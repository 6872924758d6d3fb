package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import io.kestra.core.models.tasks.runners.TaskException;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.azure.demo.Engine;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Tries the jar on the engine of the class path, whichever version it is.
 * <p>
 * Arguments: the plugins folder, a folder for Kestra's storage. Prints {@code [result] NAME TEXT} for each check, where TEXT
 * is {@code yes} or what went wrong, in a line.
 */
public final class Matrix {
    private static final String RUNNER = "io.kestra.plugin.azure.runner.Batch";
    private static final Duration QUOTA_LIMIT = Duration.ofSeconds(10);
    /** Class files of Java N have the version 44 + N. */
    private static final int CLASS_FILE_OFFSET = 44;
    /** New in Kestra 0.21: before, what a task runner knows of a run has no place in the outputs. */
    private static final boolean HAS_DETAILS = RunContext.class.getResource("/io/kestra/core/models/tasks/runners/TaskRunnerDetailResult.class") != null;
    /** New in Kestra 0.20: before, a failed task has no outputs, and its exit code is only in the log. */
    private static final boolean HAS_OUTPUTS_OF_FAILED =
        Arrays.stream(TaskException.class.getMethods()).anyMatch(method -> method.getName().equals("getLogConsumer"));

    private final Flows flows;
    private final Emulator emulator = new Emulator();
    private Execution seed;

    private Matrix(Flows flows) {
        this.flows = flows;
    }

    public static void main(String[] arguments) {
        try {
            run(Path.of(arguments[0]), Path.of(arguments[1]));
        } catch (Exception | LinkageError failure) {
            failure.printStackTrace();
        }
        // The engine leaves threads that would keep the process alive.
        System.exit(0);
    }

    private static void run(Path plugins, Path storage) throws Exception {
        report("java", String.valueOf(javaOf(RunContext.class)));
        check("loads", () -> load(plugins));
        var matrix = new Matrix(new Flows(Engine.start(storage)));
        check("seed", matrix::seed);
        check("outputs", matrix::outputs);
        check("exit-code", matrix::exitCode);
        check("kill", matrix::kill);
    }

    private static void load(Path plugins) {
        Engine.registerPlugins(plugins);
        assertThat(Engine.originOf(RUNNER)).hasValueSatisfying(jar -> assertThat(jar).startsWith(plugins.toAbsolutePath()));
    }

    private void seed() throws Exception {
        seed = flows.run("seed.yaml");
        assertState(seed, State.Type.SUCCESS);
        flows.awaitLine(seed, "Hello from Azure Batch and kestra!");
    }

    private void outputs() throws Exception {
        var outputs = flows.engine.outputs(seed);
        var host = ((Map<?, ?>) outputs.get("vars")).get("host").toString();
        var file = ((Map<?, ?>) outputs.get("outputFiles")).get("environment_info.json").toString();
        if (HAS_DETAILS) {
            assertThat(host).isEqualTo(((Map<?, ?>) outputs.get("taskRunner")).get("nodeId"));
        }
        assertThat(flows.engine.read("company.team", file)).contains("\"host\": \"" + host + "\"");
    }

    private void exitCode() throws Exception {
        var execution = flows.run("exit_code.yaml");
        assertState(execution, State.Type.FAILED);
        if (HAS_OUTPUTS_OF_FAILED) {
            assertThat(flows.engine.outputs(execution)).containsEntry("exitCode", 3);
        }
        flows.awaitLine(execution, "exited with code 3");
        flows.awaitLine(execution, "about to fail");
        flows.awaitLine(execution, "last words");
    }

    private void kill() throws Exception {
        var execution = flows.start("long.yaml", Map.of());
        flows.awaitLine(execution, "started");
        assertThat(Poll.until(QUOTA_LIMIT, () -> emulator.activeJobs().size() == 1)).as("control: the job that is to be killed").isTrue();
        assertState(flows.engine.kill(execution), State.Type.KILLED);
        assertThat(Poll.until(QUOTA_LIMIT, () -> emulator.activeJobs().isEmpty())).as("no active job").isTrue();
        assertThat(flows.messages(execution)).doesNotContain("finished");
    }

    private void assertState(Execution execution, State.Type expected) {
        assertThat(execution.getState().getCurrent()).as(() -> String.join(" ", errors(execution))).isEqualTo(expected);
    }

    private List<String> errors(Execution execution) {
        return flows.texts(execution).stream().filter(text -> text.startsWith("ERROR")).toList();
    }

    @FunctionalInterface
    private interface Check {
        void run() throws Exception;
    }

    private static void check(String name, Check check) {
        try {
            check.run();
            report(name, "yes");
        } catch (Exception | LinkageError | AssertionError failure) {
            failure.printStackTrace();
            report(name, "no: " + failure);
        }
    }

    private static void report(String name, String text) {
        System.out.println("[result] " + name + " " + text.replaceAll("\\s+", " "));
    }

    /** Returns the Java that a class was compiled for. */
    private static int javaOf(Class<?> type) throws IOException {
        try (var file = new DataInputStream(type.getResourceAsStream(type.getSimpleName() + ".class"))) {
            // After the magic number and the minor version.
            file.skipBytes(6);
            return file.readUnsignedShort() - CLASS_FILE_OFFSET;
        }
    }
}
