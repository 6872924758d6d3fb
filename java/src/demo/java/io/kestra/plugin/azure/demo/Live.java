package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.FlowInterface;
import io.kestra.core.models.flows.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.event.Level;

/**
 * Runs flows on the Azure account that the environment names, and reports for each whether it passed.
 * <p>
 * Arguments: the plugins folder, the folder of the flows, a folder for Kestra's storage. The exit code is 0 only if every flow passed.
 */
public final class Live {
    private static final String NAMESPACE = "company.team";
    /** Long, because a pool may have to start a node and pull an image first. */
    private static final Duration LIMIT = Duration.ofMinutes(20);
    private static final long PAUSE_MILLIS = 200;
    private static final String POOL = "AZURE_BATCH_POOL";
    private static final String CONTAINER = "AZURE_STORAGE_CONTAINER";

    private final Engine engine;
    private final Console console;
    private final Path flows;
    /** The folder for copies of the flows with the account's pool and container. */
    private final Path copies;

    /** Runs a flow and throws if it did not do what it should. */
    private interface Check {
        void run() throws Exception;
    }

    private Live(Engine engine, Console console, Path flows, Path copies) {
        this.engine = engine;
        this.console = console;
        this.flows = flows;
        this.copies = copies;
    }

    public static void main(String[] arguments) {
        int exitCode = 1;
        try (var console = new Console("live")) {
            exitCode = run(Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]), console) ? 0 : 1;
        } catch (DemoFailure failure) {
            System.out.println("[live] FAILED: " + failure.getMessage());
        } catch (Exception e) {
            e.printStackTrace();
        }
        // The engine leaves threads that would keep the process alive.
        System.exit(exitCode);
    }

    private static boolean run(Path plugins, Path flows, Path storage, Console console) throws Exception {
        Demo.scan(plugins);
        var copies = Files.createDirectories(storage.resolveSibling("flows"));
        try (var engine = Engine.start(storage); var following = console.follow(engine::log)) {
            return new Live(engine, console, flows, copies).all();
        }
    }

    private boolean all() {
        var checks = new LinkedHashMap<String, Check>();
        checks.put("seed", this::seed);
        checks.put("namespace_file", this::namespaceFile);
        checks.put("counting", () -> ended("counting", State.Type.SUCCESS));
        checks.put("exit_code", this::exitCode);
        checks.put("timeout", () -> ended("timeout", State.Type.FAILED));
        checks.put("long", this::killed);
        var results = new ArrayList<String>();
        checks.forEach((flow, check) -> results.add(result(flow, check)));
        results.forEach(console::say);
        return results.stream().allMatch(line -> line.startsWith("PASS"));
    }

    private String result(String flow, Check check) {
        console.say("running %s.yaml", flow);
        try {
            check.run();
            return "PASS %s".formatted(flow);
        } catch (Exception e) {
            return "FAIL %s: %s".formatted(flow, e.getMessage());
        }
    }

    private void seed() throws Exception {
        var outputs = engine.outputs(ended("seed", State.Type.SUCCESS));
        require(outputs.get("vars") instanceof Map<?, ?> vars && vars.containsKey("python_version"), "no output 'python_version'");
        require(outputs.get("outputFiles") instanceof Map<?, ?> files && files.containsKey("environment_info.json"), "no environment_info.json");
    }

    private void namespaceFile() throws Exception {
        var greeting = "Hello from a namespace file!\n";
        engine.putNamespaceFile(NAMESPACE, "greeting.txt", greeting);
        var files = (Map<?, ?>) engine.outputs(ended("namespace_file", State.Type.SUCCESS)).get("outputFiles");
        require(engine.read(NAMESPACE, files.get("copy.txt").toString()).equals(greeting), "copy.txt is not what the task wrote");
    }

    private void exitCode() throws Exception {
        var code = engine.outputs(ended("exit_code", State.Type.FAILED)).get("exitCode");
        require(Integer.valueOf(3).equals(code), "the exit code is " + code + ", not 3");
    }

    private void killed() throws Exception {
        var flow = load("long");
        var execution = engine.runUntilRunning(flow.getNamespace(), flow.getId(), Map.of(), LIMIT);
        var entry = awaitWhatCounts(execution);
        require(entry.getLevel() != Level.ERROR, "it failed before it could be killed: " + entry.getMessage());
        requireState(engine.kill(execution), State.Type.KILLED);
    }

    /** Waits for the task's first line, or for the error that says why there is none. */
    private LogEntry awaitWhatCounts(Execution execution) throws InterruptedException {
        var deadline = Instant.now().plus(LIMIT);
        while (Instant.now().isBefore(deadline)) {
            var entry = engine.log(execution).stream().filter(Live::counts).findFirst();
            if (entry.isPresent()) {
                return entry.get();
            }
            Thread.sleep(PAUSE_MILLIS);
        }
        throw new DemoFailure("it logged neither 'started' nor an error within " + LIMIT);
    }

    private static boolean counts(LogEntry entry) {
        return "started".equals(entry.getMessage()) || entry.getLevel() == Level.ERROR;
    }

    private Execution ended(String file, State.Type expected) throws Exception {
        var flow = load(file);
        return requireState(engine.run(flow.getNamespace(), flow.getId(), Map.of(), LIMIT), expected);
    }

    private FlowInterface load(String name) throws Exception {
        return engine.loadFlow(Files.writeString(copies.resolve(name + ".yaml"), forTheAccount(flows.resolve(name + ".yaml"))));
    }

    private static String forTheAccount(Path flow) throws IOException {
        return Files.readString(flow)
            .replace("poolId: my-pool\n", "poolId: " + System.getenv(POOL) + "\n")
            .replace("containerName: my-container\n", "containerName: " + System.getenv(CONTAINER) + "\n");
    }

    private static Execution requireState(Execution execution, State.Type expected) {
        var state = execution.getState().getCurrent();
        require(state == expected, "it ended " + state + ", not " + expected + "; the log lines above say why");
        return execution;
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new DemoFailure(otherwise);
        }
    }
}
