package io.kestra.plugin.azure.runner;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.runners.RunContext;
import io.kestra.core.utils.PathMatcherPredicate;
import io.kestra.plugin.azure.runner.Request.RequestBuilder;

import java.io.File;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.PatternSyntaxException;

/** Renders the properties of the task runner and of its task into a {@link Request}. The Rust library checks the values. */
final class RequestRenderer {
    private static final int NANO_DIGITS = 9;

    private final Batch batch;
    private final RunContext runContext;
    private final TaskCommands taskCommands;
    private final Defaults defaults;

    RequestRenderer(Batch batch, RunContext runContext, TaskCommands taskCommands) {
        this.batch = batch;
        this.runContext = runContext;
        this.taskCommands = taskCommands;
        this.defaults = Defaults.of(runContext);
    }

    /** @param outputFiles names and glob patterns relative to the working directory, or null for none */
    Request render(List<String> outputFiles) throws IllegalVariableEvaluationException {
        RequestBuilder request = Request.builder();
        addRunner(request);
        addContainer(request);
        addIdentity(request);
        addScheduling(request);
        addBehaviour(request);
        addTask(request);
        addFiles(request);
        List<String> patterns = Objects.requireNonNullElse(outputFiles, List.of());
        patterns.forEach(this::checkPattern);
        return request.outputFiles(patterns).build();
    }

    /** Only Java knows which patterns Kestra can read when the task has ended. */
    private void checkPattern(String pattern) {
        try {
            PathMatcherPredicate.matches(taskCommands.getWorkingDirectory(), List.of(pattern));
        } catch (PatternSyntaxException e) {
            String hint = pattern.contains("\\") ? "; Kestra reads \\ as /: put a character meant literally into brackets, [[] for example" : "";
            throw new IllegalArgumentException("outputFiles: '" + pattern + "' is not a pattern that Kestra understands: " + e.getDescription() + hint, e);
        }
    }

    private void addRunner(RequestBuilder request) throws IllegalVariableEvaluationException {
        request.account(text(batch.getAccount(), defaults, "account"))
            .endpoint(text(batch.getEndpoint(), defaults, "endpoint"))
            .poolId(text(batch.getPoolId(), defaults, "poolId"))
            .blobStorage(blobContainer(batch.getBlobStorage()))
            .registry(registry(batch.getRegistry()))
            .elevationLevel(value(batch.getElevationLevel(), ElevationLevel.class))
            .autoUserScope(value(batch.getAutoUserScope(), AutoUserScope.class))
            .userName(value(batch.getUserName(), String.class));
    }

    private void addContainer(RequestBuilder request) throws IllegalVariableEvaluationException {
        request.entryPoint(Runner.list(runContext, batch.getEntryPoint()))
            .containerRunOptions(value(batch.getContainerRunOptions(), String.class))
            .containerHostBatchBindMounts(mounts(batch.getContainerHostBatchBindMounts()));
    }

    /** An identity of the flow would clash with a key of the configuration. */
    private void addIdentity(RequestBuilder request) throws IllegalVariableEvaluationException {
        Defaults identity = defaults.unlessAny(batch.getAccessKey(), batch.getTenantId(), batch.getClientId(), batch.getClientSecret(), batch.getPemCertificate());
        request.accessKey(text(batch.getAccessKey(), identity, "accessKey"))
            .tenantId(text(batch.getTenantId(), identity, "tenantId"))
            .clientId(text(batch.getClientId(), identity, "clientId"))
            .clientSecret(text(batch.getClientSecret(), identity, "clientSecret"))
            .pemCertificate(text(batch.getPemCertificate(), identity, "pemCertificate"));
    }

    private void addScheduling(RequestBuilder request) throws IllegalVariableEvaluationException {
        request.requiredSlots(value(batch.getRequiredSlots(), Integer.class))
            .priority(value(batch.getPriority(), Integer.class))
            .displayName(value(batch.getDisplayName(), String.class))
            .extraLabels(batch.getLabels() == null ? null : Runner.map(runContext, batch.getLabels()))
            .maxTaskRetryCount(value(batch.getMaxTaskRetryCount(), Integer.class))
            .retentionTime(seconds(batch.getRetentionTime()));
    }

    private void addBehaviour(RequestBuilder request) throws IllegalVariableEvaluationException {
        request.timeout(seconds(taskCommands.getTimeout()))
            .waitUntilCompletion(seconds(batch.getWaitUntilCompletion()))
            .waitUntilRunning(seconds(batch.getWaitUntilRunning()))
            .completionCheckInterval(seconds(batch.getCompletionCheckInterval()))
            .delete(flag(batch.getDelete()))
            .resume(flag(batch.getResume()))
            .streamLogs(flag(batch.getStreamLogs()))
            .syncWorkingDirectory(flag(batch.getSyncWorkingDirectory()));
    }

    private void addTask(RequestBuilder request) throws IllegalVariableEvaluationException {
        request.jobName(ScriptService.jobName(runContext))
            .labels(Batch.labels(runContext))
            .containerImage(runContext.render(taskCommands.getContainerImage(), batch.additionalVars(runContext, taskCommands)))
            .targetOs(taskCommands.getTargetOS())
            .commands(Runner.commands(runContext, taskCommands))
            .environment(environment());
    }

    /** Some plugins name a place in the working directory by its path on the worker, as Kestra's for Python does in PYTHONPATH: it is elsewhere in the container. */
    private Map<String, String> environment() throws IllegalVariableEvaluationException {
        String onWorker = taskCommands.getWorkingDirectory().toString();
        String inContainer = batch.containerWorkingDir(runContext, taskCommands);
        Map<String, String> environment = new LinkedHashMap<>(batch.env(runContext, taskCommands));
        environment.replaceAll((name, value) -> value == null ? null : value.replace(onWorker, inContainer));
        return environment;
    }

    private void addFiles(RequestBuilder request) throws IllegalVariableEvaluationException {
        String workingDir = batch.containerWorkingDir(runContext, taskCommands);
        request.localWorkingDir(withSlashes(taskCommands.getWorkingDirectory()))
            .containerWorkingDir(workingDir)
            .stagingPrefix(Batch.stagingPrefix(workingDir))
            .outputDir(taskCommands.outputDirectoryEnabled() ? outputDirName() : null);
    }

    private Request.BlobContainer blobContainer(BlobStorage inFlow) throws IllegalVariableEvaluationException {
        Defaults common = defaults.in("blobStorage");
        if (inFlow == null && common.isEmpty()) {
            return null;
        }
        BlobStorage storage = Objects.requireNonNullElseGet(inFlow, BlobStorage::new);
        Defaults account = common.unlessAny(storage.getConnectionString(), storage.getEndpoint(), storage.getSharedKeyAccountName(), storage.getSharedKeyAccountAccessKey(),
            storage.getSasToken());
        return new Request.BlobContainer(
            text(storage.getContainerName(), common, "containerName"),
            text(storage.getConnectionString(), account, "connectionString"),
            text(storage.getEndpoint(), account, "endpoint"),
            text(storage.getSharedKeyAccountName(), account, "sharedKeyAccountName"),
            text(storage.getSharedKeyAccountAccessKey(), account, "sharedKeyAccountAccessKey"),
            text(storage.getSasToken(), account, "sasToken"),
            identity(storage.getIdentityReference(), account.in("identityReference"))
        );
    }

    private Request.ContainerRegistry registry(Registry inFlow) throws IllegalVariableEvaluationException {
        Defaults common = defaults.in("registry").unlessAny(inFlow);
        if (inFlow == null && common.isEmpty()) {
            return null;
        }
        Registry registry = Objects.requireNonNullElseGet(inFlow, Registry::new);
        return new Request.ContainerRegistry(
            text(registry.getRegistryServer(), common, "registryServer"),
            text(registry.getUserName(), common, "userName"),
            text(registry.getPassword(), common, "password"),
            identity(registry.getIdentityReference(), common.in("identityReference"))
        );
    }

    private List<Request.Mount> mounts(List<BindMount> inFlow) throws IllegalVariableEvaluationException {
        if (inFlow == null) {
            return null;
        }
        List<Request.Mount> mounts = new ArrayList<>();
        for (BindMount mount : inFlow) {
            mounts.add(new Request.Mount(value(mount.getSource(), BindMount.Source.class), flag(mount.getIsReadOnly())));
        }
        return mounts;
    }

    private Request.Identity identity(IdentityReference inFlow, Defaults common) throws IllegalVariableEvaluationException {
        if (inFlow == null && common.isEmpty()) {
            return null;
        }
        return new Request.Identity(text(Objects.requireNonNullElseGet(inFlow, IdentityReference::new).getResourceId(), common, "resourceId"));
    }

    /** Kestra gives the output directory another name in every attempt. */
    private String outputDirName() {
        return withSlashes(taskCommands.getWorkingDirectory().relativize(taskCommands.getOutputDirectory()));
    }

    /** As the library writes paths, and patterns of Kestra, on Windows too. */
    private static String withSlashes(Path path) {
        return path.toString().replace(File.separatorChar, '/');
    }

    /** The flow goes first. */
    private String text(Property<String> property, Defaults defaults, String name) throws IllegalVariableEvaluationException {
        return property == null ? defaults.text(name) : value(property, String.class);
    }

    private Boolean flag(Property<Boolean> property) throws IllegalVariableEvaluationException {
        return value(property, Boolean.class);
    }

    private BigDecimal seconds(Property<Duration> property) throws IllegalVariableEvaluationException {
        return seconds(value(property, Duration.class));
    }

    private <T> T value(Property<T> property, Class<T> type) throws IllegalVariableEvaluationException {
        return Runner.value(runContext, property, type);
    }

    /** Any duration is a decimal number of seconds, while it may be too long for a number of milliseconds. */
    private static BigDecimal seconds(Duration duration) {
        if (duration == null) {
            return null;
        }
        BigDecimal whole = BigDecimal.valueOf(duration.getSeconds());
        return duration.getNano() == 0 ? whole : whole.add(BigDecimal.valueOf(duration.getNano(), NANO_DIGITS));
    }
}
