package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.State;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * Runs two flows on a real Kestra engine whose only other plugin is the built jar.
 * <p>
 * Arguments: the plugins folder, the folder of the flows, a folder for Kestra's storage. The exit code is 0 only if both flows succeed with their outputs.
 */
public final class Demo {
    private static final String NAMESPACE = "company.team";
    private static final String RUNNER = "io.kestra.plugin.azure.runner.Batch";
    private static final Duration LIMIT = Duration.ofMinutes(3);

    private final Engine engine;
    private final Console console;

    private Demo(Engine engine, Console console) {
        this.engine = engine;
        this.console = console;
    }

    public static void main(String[] arguments) {
        int exitCode = 1;
        try (var console = new Console("demo")) {
            run(Path.of(arguments[0]), Path.of(arguments[1]), Path.of(arguments[2]), console);
            exitCode = 0;
        } catch (DemoFailure failure) {
            System.out.println("[demo] FAILED: " + failure.getMessage());
        } catch (Exception e) {
            e.printStackTrace();
        }
        // The engine leaves threads that would keep the process alive.
        System.exit(exitCode);
    }

    private static void run(Path plugins, Path flows, Path storage, Console console) throws Exception {
        console.say("%s comes from %s", RUNNER, scan(plugins));
        console.say("starting the Kestra engine");
        try (var engine = Engine.start(storage); var following = console.follow(engine::log)) {
            engine.loadFlow(flows.resolve("seed.yaml"));
            engine.loadFlow(flows.resolve("namespace_file.yaml"));
            var demo = new Demo(engine, console);
            demo.seed();
            demo.namespaceFile();
        }
    }

    /** Lets Kestra's scanner find the plugin and returns its jar. */
    static Path scan(Path plugins) {
        Engine.registerPlugins(plugins);
        return Engine.originOf(RUNNER)
            .filter(jar -> jar.startsWith(plugins.toAbsolutePath()))
            .orElseThrow(() -> new DemoFailure("no jar in %s holds %s; 'make plugin' builds one".formatted(plugins, RUNNER)));
    }

    /** Runs the flow of Kestra's page about the Azure Batch task runner. */
    private void seed() throws Exception {
        var outputs = runToSuccess("azure_batch_runner");
        printOutputs("Kestra.outputs", output(outputs, "vars"));
        printFile(outputs, "environment_info.json");
    }

    /** Runs a flow that reads a file of its namespace. */
    private void namespaceFile() throws Exception {
        engine.putNamespaceFile(NAMESPACE, "greeting.txt", "Hello from a namespace file!\n");
        printFile(runToSuccess("namespace_file"), "copy.txt");
    }

    private Map<String, Object> runToSuccess(String flow) throws Exception {
        console.say("running flow %s.%s", NAMESPACE, flow);
        Execution execution = engine.run(NAMESPACE, flow, Map.of(), LIMIT);
        var state = execution.getState();
        console.say("flow %s ended %s after %s", flow, state.getCurrent(), state.humanDuration());
        if (state.getCurrent() != State.Type.SUCCESS) {
            console.awaitError();
            throw new DemoFailure("flow %s ended %s; the log lines above say why. %s".formatted(flow, state.getCurrent(), hint()));
        }
        return engine.outputs(execution);
    }

    private static String hint() {
        return "off".equals(System.getenv("DEMO_EMULATOR"))
            ? "DEMO_EMULATOR=off: no emulator was started, so nothing answers at the endpoint."
            : "The emulator's request log is build/demo/requests.jsonl.";
    }

    private void printOutputs(String title, Map<?, ?> outputs) {
        console.say("%s:", title);
        outputs.forEach((name, value) -> console.say("  %s = %s", name, value));
    }

    private void printFile(Map<String, Object> outputs, String name) throws Exception {
        var uri = output(outputs, "outputFiles").get(name);
        if (uri == null) {
            throw new DemoFailure("the task has no output file %s".formatted(name));
        }
        console.say("%s (%s):%n%s", name, uri, engine.read(NAMESPACE, uri.toString()));
    }

    private static Map<?, ?> output(Map<String, Object> outputs, String name) {
        if (outputs.get(name) instanceof Map<?, ?> values && !values.isEmpty()) {
            return values;
        }
        throw new DemoFailure("the task's outputs lack '%s': %s".formatted(name, outputs));
    }
}
