package io.kestra.plugin.azure.runner;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.runners.RunContext;
import io.kestra.core.utils.PathMatcherPredicate;
import io.kestra.plugin.azure.runner.Request.RequestBuilder;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.regex.PatternSyntaxException;

/** Renders the properties of the task runner and of its task into a {@link Request}. The Rust library checks the values. */
final class RequestRenderer {
    private static final int NANO_DIGITS = 9;

    private final Batch batch;
    private final RunContext runContext;
    private final TaskCommands taskCommands;

    RequestRenderer(Batch batch, RunContext runContext, TaskCommands taskCommands) {
        this.batch = batch;
        this.runContext = runContext;
        this.taskCommands = taskCommands;
    }

    /** @param outputFiles names and glob patterns relative to the working directory, or null for none */
    Request render(List<String> outputFiles) throws IllegalVariableEvaluationException {
        RequestBuilder request = Request.builder();
        addRunner(request);
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
        request.account(text(batch.getAccount()))
            .accessKey(text(batch.getAccessKey()))
            .endpoint(text(batch.getEndpoint()))
            .poolId(text(batch.getPoolId()))
            .blobStorage(blobContainer(batch.getBlobStorage()))
            .registry(registry(batch.getRegistry()))
            .elevationLevel(value(batch.getElevationLevel(), ElevationLevel.class));
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
            .commands(runContext.render(taskCommands.getCommands()).asList(String.class))
            .environment(batch.env(runContext, taskCommands));
    }

    private void addFiles(RequestBuilder request) throws IllegalVariableEvaluationException {
        String workingDir = batch.containerWorkingDir(runContext, taskCommands);
        request.localWorkingDir(taskCommands.getWorkingDirectory().toString())
            .containerWorkingDir(workingDir)
            .stagingPrefix(Batch.stagingPrefix(workingDir))
            .outputDir(taskCommands.outputDirectoryEnabled() ? outputDirName() : null);
    }

    private Request.BlobContainer blobContainer(BlobStorage storage) throws IllegalVariableEvaluationException {
        return storage == null ? null : new Request.BlobContainer(
            text(storage.getContainerName()),
            text(storage.getConnectionString()),
            text(storage.getEndpoint()),
            text(storage.getSharedKeyAccountName()),
            text(storage.getSharedKeyAccountAccessKey())
        );
    }

    private Request.ContainerRegistry registry(Registry registry) throws IllegalVariableEvaluationException {
        return registry == null ? null : new Request.ContainerRegistry(
            text(registry.getRegistryServer()),
            text(registry.getUserName()),
            text(registry.getPassword()),
            identity(registry.getIdentityReference())
        );
    }

    private Request.Identity identity(IdentityReference identity) throws IllegalVariableEvaluationException {
        return identity == null ? null : new Request.Identity(text(identity.getResourceId()));
    }

    /** Kestra gives the output directory another name in every attempt. */
    private String outputDirName() {
        return taskCommands.getWorkingDirectory().relativize(taskCommands.getOutputDirectory()).toString();
    }

    private String text(Property<String> property) throws IllegalVariableEvaluationException {
        return value(property, String.class);
    }

    private Boolean flag(Property<Boolean> property) throws IllegalVariableEvaluationException {
        return value(property, Boolean.class);
    }

    private BigDecimal seconds(Property<Duration> property) throws IllegalVariableEvaluationException {
        return seconds(value(property, Duration.class));
    }

    private <T> T value(Property<T> property, Class<T> type) throws IllegalVariableEvaluationException {
        return runContext.render(property).as(type).orElse(null);
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
