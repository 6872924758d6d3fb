package io.kestra.plugin.azure.demo;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.ExecutionKilledExecution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.plugins.DefaultPluginRegistry;
import io.kestra.core.queues.QueueException;
import io.kestra.core.queues.QueueFactoryInterface;
import io.kestra.core.queues.QueueInterface;
import io.kestra.core.repositories.LogRepositoryInterface;
import io.kestra.core.runners.RunnerUtils;
import io.kestra.core.services.FlowService;
import io.kestra.core.storages.StorageInterface;
import io.kestra.core.tenant.TenantService;
import io.micronaut.context.ApplicationContext;
import io.micronaut.inject.qualifiers.Qualifiers;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.event.Level;

/** What the matrix needs of the demo's engine, for Kestra 0.19 to 1.2. From 1.3 on it is the demo's own. */
public final class Engine implements AutoCloseable {
    private static final Duration KILL_LIMIT = Duration.ofSeconds(60);

    private final ApplicationContext context;
    private final AutoCloseable runner;
    private final RunnerUtils executions;
    /** Null until 0.22. */
    private final String tenant;

    private Engine(ApplicationContext context) throws ReflectiveOperationException {
        this.context = context;
        this.runner = startRunner(context);
        this.executions = context.getBean(RunnerUtils.class);
        this.tenant = context.getBean(TenantService.class).resolveTenant();
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
    public static Engine start(Path storage) throws ReflectiveOperationException {
        return new Engine(ApplicationContext.builder()
            .environments("demo")
            .properties(Map.of("demo.storage", storage.toString()))
            .start());
    }

    private static AutoCloseable startRunner(ApplicationContext context) throws ReflectiveOperationException {
        var runner = context.getBean(runnerType());
        runner.getClass().getMethod("setSchedulerEnabled", boolean.class).invoke(runner, false);
        runner.getClass().getMethod("run").invoke(runner);
        return (AutoCloseable) runner;
    }

    /** The two have the same methods, and nothing else in common. */
    private static Class<?> runnerType() throws ClassNotFoundException {
        try {
            return Class.forName("io.kestra.core.runners.TestRunner");
        } catch (ClassNotFoundException before) {
            return Class.forName("io.kestra.core.runners.StandAloneRunner");
        }
    }

    /** Saves a flow in the engine, as Kestra's editor does. */
    public FlowWithSource loadFlow(Path file) throws Exception {
        return context.getBean(FlowService.class).importFlow(tenant, Files.readString(file));
    }

    /** Returns what an execution has logged so far, from Kestra's log repository. */
    public List<LogEntry> log(Execution execution) {
        return context.getBean(LogRepositoryInterface.class).findByExecutionId(tenant, execution.getId(), Level.TRACE);
    }

    /** Runs a flow to its end. */
    public Execution run(String namespace, String flow, Map<String, Object> inputs, Duration limit) throws Exception {
        return executions.runOne(tenant, namespace, flow, null, (definition, execution) -> inputs, limit);
    }

    /** Starts a flow and waits until its execution is running. */
    public Execution runUntilRunning(String namespace, String flow, Map<String, Object> inputs, Duration limit) throws Exception {
        return executions.runOneUntilRunning(tenant, namespace, flow, null, (definition, execution) -> inputs, limit);
    }

    /** Kills an execution, as the button in Kestra's UI does, and waits for its end. */
    public Execution kill(Execution execution) throws Exception {
        var request = ExecutionKilledExecution.builder()
            .state(ExecutionKilled.State.REQUESTED)
            .executionId(execution.getId())
            .isOnKillCascade(true)
            .tenantId(tenant)
            .build();
        return executions.awaitExecution(
            current -> current.getId().equals(execution.getId()) && current.getState().isTerminated(),
            () -> emit(request),
            KILL_LIMIT
        );
    }

    @SuppressWarnings("unchecked")
    private void emit(ExecutionKilled request) {
        try {
            context.getBean(QueueInterface.class, Qualifiers.byName(QueueFactoryInterface.KILL_NAMED)).emit(request);
        } catch (QueueException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the outputs of the first task of an execution that has ended. */
    public Map<String, Object> outputs(Execution execution) {
        return execution.getTaskRunList().getFirst().getOutputs();
    }

    /** Returns the content of a file in Kestra's storage. */
    public String read(String namespace, String uri) throws IOException, ReflectiveOperationException {
        try (var content = open(context.getBean(StorageInterface.class), namespace, URI.create(uri))) {
            return new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private InputStream open(StorageInterface storage, String namespace, URI uri) throws ReflectiveOperationException {
        try {
            return (InputStream) StorageInterface.class.getMethod("get", String.class, String.class, URI.class).invoke(storage, tenant, namespace, uri);
        } catch (NoSuchMethodException before020) {
            return (InputStream) StorageInterface.class.getMethod("get", String.class, URI.class).invoke(storage, tenant, uri);
        }
    }

    @Override
    public void close() throws Exception {
        runner.close();
        context.close();
    }
}
