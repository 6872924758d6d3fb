package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.MetricEntry;
import io.kestra.core.models.flows.FlowInterface;
import io.kestra.core.plugins.DefaultPluginRegistry;
import io.kestra.core.repositories.MetricRepositoryInterface;
import io.kestra.core.runners.TestRunner;
import io.kestra.core.runners.TestRunnerUtils;
import io.kestra.core.services.FlowService;
import io.kestra.core.storages.NamespaceFactory;
import io.kestra.core.storages.StorageInterface;
import io.micronaut.context.ApplicationContext;
import io.micronaut.data.model.Pageable;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A real Kestra engine in this process: executor, worker, queue, repository and storage, without its web server.
 */
public final class Engine implements AutoCloseable {
    /** The tenant of an installation that has only one. */
    public static final String TENANT = "main";

    private final ApplicationContext context;
    private final TestRunner runner;
    private final TestRunnerUtils executions;

    private Engine(ApplicationContext context) {
        this.context = context;
        this.runner = context.getBean(TestRunner.class);
        this.executions = context.getBean(TestRunnerUtils.class);
    }

    /** Lets Kestra's plugin scanner register every jar of a folder. Comes before {@link #start}. */
    public static void registerPlugins(Path folder) {
        DefaultPluginRegistry.getOrCreate().registerIfAbsent(folder);
    }

    /** Returns the jar or folder that a plugin's class was loaded from; empty if no such plugin is registered. */
    public static Optional<Path> originOf(String type) {
        return Optional.ofNullable(DefaultPluginRegistry.getOrCreate().findClassByIdentifier(type))
            .map(plugin -> Path.of(plugin.getProtectionDomain().getCodeSource().getLocation().getPath()));
    }

    /** Boots an engine that keeps its files under {@code storage}. */
    public static Engine start(Path storage) {
        return start(storage, Map.of());
    }

    /** Boots an engine with settings in addition to those of the demo. */
    public static Engine start(Path storage, Map<String, Object> settings) {
        return start(storage, settings, true);
    }

    /** Boots an engine whose tasks are run by workers elsewhere. */
    public static Engine startWithoutWorker(Path storage, Map<String, Object> settings) {
        return start(storage, settings, false);
    }

    private static Engine start(Path storage, Map<String, Object> settings, boolean worker) {
        var context = ApplicationContext.builder()
            .environments("demo")
            .properties(Map.of("demo.storage", storage.toString()))
            .properties(settings)
            .start();
        var engine = new Engine(context);
        engine.runner.setSchedulerEnabled(false);
        engine.runner.setWorkerEnabled(worker);
        engine.runner.run();
        return engine;
    }

    /**
     * Saves a flow in the engine, as Kestra's editor does.
     *
     * @throws Exception if Kestra refuses the flow; the message names the property
     */
    public FlowInterface loadFlow(Path file) throws Exception {
        return context.getBean(FlowService.class).importFlow(TENANT, Files.readString(file));
    }

    /** Stores a text as a namespace file, where a flow with {@code namespaceFiles} finds it. */
    public void putNamespaceFile(String namespace, String path, String content) throws Exception {
        context.getBean(NamespaceFactory.class)
            .of(TENANT, namespace, storage())
            .putFile(Path.of(path), new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
    }

    /** Stores a text in Kestra's storage and returns the address that a flow's FILE input accepts. */
    public String putFile(String namespace, String path, String content) throws IOException {
        var bytes = content.getBytes(StandardCharsets.UTF_8);
        return storage().put(TENANT, namespace, URI.create(path), new ByteArrayInputStream(bytes)).toString();
    }

    /** For calls that only this version of Kestra has. */
    public ApplicationContext context() {
        return context;
    }

    /**
     * Returns what all executions have logged so far, from Kestra's log repository. A listener on Kestra's queue would miss
     * some entries that are written at the same time as others.
     */
    public List<LogEntry> log() {
        return KestraApi.log(context, TENANT);
    }

    /** Returns what an execution has logged so far, from Kestra's log repository. */
    public List<LogEntry> log(Execution execution) {
        return KestraApi.log(context, TENANT, execution.getId());
    }

    /** Runs a flow to its end. */
    public Execution run(String namespace, String flow, Map<String, Object> inputs, Duration limit) throws Exception {
        return executions.runOne(TENANT, namespace, flow, null, (definition, execution) -> inputs, limit);
    }

    /** Starts a flow and waits until its execution is running, or has ended already. */
    public Execution runUntilRunning(String namespace, String flow, Map<String, Object> inputs, Duration limit) throws Exception {
        return executions.runOneUntil(TENANT, namespace, flow, null, (definition, execution) -> inputs, limit, Engine::hasStarted);
    }

    /** Not only while it runs: one that fails at once may never be seen running. */
    private static boolean hasStarted(Execution execution) {
        return execution.getState().isRunning() || execution.getState().isTerminated();
    }

    /** Waits until a running execution has ended. */
    public Execution awaitEnd(Execution execution, Duration limit) {
        return executions.awaitExecution(current -> current.getState().isTerminated(), execution, limit);
    }

    /** Kills an execution, as the button in Kestra's UI does, and waits for its end. */
    public Execution kill(Execution execution) throws Exception {
        return executions.killExecution(execution);
    }

    /** Returns the outputs of the first task of an execution that has ended. */
    public Map<String, Object> outputs(Execution execution) throws Exception {
        return KestraApi.outputs(context, execution.getTaskRunList().getFirst());
    }

    /** Returns the metrics of an execution by name, timers in milliseconds, as far as the repository has them yet. */
    public Map<String, Double> metrics(Execution execution) {
        return context.getBean(MetricRepositoryInterface.class)
            .findByExecutionId(TENANT, execution.getId(), Pageable.from(1, 100)).stream()
            .collect(Collectors.toMap(MetricEntry::getName, MetricEntry::getValue));
    }

    /** Returns the content of a file in Kestra's storage. */
    public String read(String namespace, String uri) throws IOException {
        try (var content = storage().get(TENANT, namespace, URI.create(uri))) {
            return new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() throws Exception {
        runner.close();
        context.close();
    }

    private StorageInterface storage() {
        return context.getBean(StorageInterface.class);
    }
}
