package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.runners.RunContext;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Fills the document that starts a run: every property rendered, nothing decided. The Rust side refuses
 * fields that it does not know, and checks the values.
 */
final class Request {
    private final Batch batch;
    private final RunContext runContext;
    private final TaskCommands taskCommands;

    Request(Batch batch, RunContext runContext, TaskCommands taskCommands) {
        this.batch = batch;
        this.runContext = runContext;
        this.taskCommands = taskCommands;
    }

    /** @param outputFiles names and globs relative to the working directory, or null for none */
    String toJson(List<String> outputFiles) throws IllegalVariableEvaluationException, IOException {
        Map<String, Object> request = new LinkedHashMap<>();
        addRunner(request);
        addTask(request);
        addFiles(request, outputFiles);
        return write(request);
    }

    private void addRunner(Map<String, Object> request) throws IllegalVariableEvaluationException {
        request.put("account", render("account", batch.getAccount()));
        request.put("accessKey", render("accessKey", batch.getAccessKey()));
        request.put("endpoint", render("endpoint", batch.getEndpoint()));
        request.put("poolId", render("poolId", batch.getPoolId()));
        request.put("blobStorage", blobStorage(batch.getBlobStorage()));
        request.put("registry", registry(batch.getRegistry()));
        request.put("elevationLevel", render("elevationLevel", batch.getElevationLevel(), ElevationLevel.class).name());
        addBehaviour(request);
    }

    private void addBehaviour(Map<String, Object> request) throws IllegalVariableEvaluationException {
        request.put("waitUntilCompletionMillis", waitUntilCompletion().toMillis());
        request.put("waitUntilRunningMillis", waitUntilRunningMillis());
        request.put("completionCheckIntervalMillis", duration("completionCheckInterval", batch.getCompletionCheckInterval()).toMillis());
        request.put("delete", render("delete", batch.getDelete(), Boolean.class));
        request.put("resume", render("resume", batch.getResume(), Boolean.class));
        request.put("streamLogs", render("streamLogs", batch.getStreamLogs(), Boolean.class));
        request.put("syncWorkingDirectory", render("syncWorkingDirectory", batch.getSyncWorkingDirectory(), Boolean.class));
    }

    private void addTask(Map<String, Object> request) throws IllegalVariableEvaluationException {
        request.put("jobName", ScriptService.jobName(runContext));
        request.put("labels", ScriptService.labels(runContext, "kestra-", true, true));
        request.put("containerImage", containerImage());
        request.put("targetOs", Objects.requireNonNullElse(taskCommands.getTargetOS(), TargetOS.AUTO).name());
        request.put("commands", runContext.render(taskCommands.getCommands()).asList(String.class));
        request.put("environment", batch.env(runContext, taskCommands));
    }

    private void addFiles(Map<String, Object> request, List<String> outputFiles) throws IllegalVariableEvaluationException, IOException {
        String workingDir = batch.containerWorkingDir(runContext, taskCommands);
        request.put("localWorkingDir", taskCommands.getWorkingDirectory().toString());
        request.put("containerWorkingDir", workingDir);
        request.put("stagingPrefix", Batch.stagingPrefix(workingDir));
        request.put("inputFiles", taskCommands.relativeWorkingDirectoryFilesPaths().stream().map(Request::withSlashes).toList());
        request.put("outputFiles", outputFiles == null ? List.of() : outputFiles);
        request.put("outputDir", taskCommands.outputDirectoryEnabled() ? Batch.outputDirName(taskCommands) : null);
    }

    private Map<String, String> blobStorage(BlobStorage storage) throws IllegalVariableEvaluationException {
        if (storage == null) {
            return null;
        }
        Map<String, String> rendered = new LinkedHashMap<>();
        rendered.put("containerName", optional(storage.getContainerName()));
        rendered.put("connectionString", optional(storage.getConnectionString()));
        rendered.put("endpoint", optional(storage.getEndpoint()));
        rendered.put("sharedKeyAccountName", optional(storage.getSharedKeyAccountName()));
        rendered.put("sharedKeyAccountAccessKey", optional(storage.getSharedKeyAccountAccessKey()));
        rendered.values().removeIf(Objects::isNull);
        return rendered;
    }

    private Map<String, Object> registry(Registry registry) throws IllegalVariableEvaluationException {
        if (registry == null) {
            return null;
        }
        Map<String, Object> rendered = new LinkedHashMap<>();
        rendered.put("registryServer", optional(registry.getRegistryServer()));
        rendered.put("userName", optional(registry.getUserName()));
        rendered.put("password", optional(registry.getPassword()));
        rendered.put("identityReference", identityReference(registry.getIdentityReference()));
        return rendered;
    }

    private Map<String, String> identityReference(IdentityReference identity) throws IllegalVariableEvaluationException {
        return identity == null ? null : Map.of("resourceId", render("registry.identityReference.resourceId", identity.getResourceId()));
    }

    /** The task's own timeout wins over the runner's limit. */
    private Duration waitUntilCompletion() throws IllegalVariableEvaluationException {
        Duration timeout = taskCommands.getTimeout();
        return timeout != null ? timeout : duration("waitUntilCompletion", batch.getWaitUntilCompletion());
    }

    private Long waitUntilRunningMillis() throws IllegalVariableEvaluationException {
        Property<Duration> limit = batch.getWaitUntilRunning();
        return limit == null ? null : duration("waitUntilRunning", limit).toMillis();
    }

    private String containerImage() throws IllegalVariableEvaluationException {
        String image = taskCommands.getContainerImage();
        // Kestra's own script tasks render a missing image to an empty one.
        if (image == null || image.isBlank()) {
            throw new IllegalArgumentException("containerImage: the Azure Batch task runner runs the task in a container, so the task needs a `containerImage`");
        }
        return runContext.render(image, batch.additionalVars(runContext, taskCommands));
    }

    private Duration duration(String name, Property<Duration> property) throws IllegalVariableEvaluationException {
        Duration duration = render(name, property, Duration.class);
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException(name + ": " + duration + " is not a positive duration");
        }
        return duration;
    }

    private String render(String name, Property<String> property) throws IllegalVariableEvaluationException {
        return render(name, property, String.class);
    }

    private <T> T render(String name, Property<T> property, Class<T> type) throws IllegalVariableEvaluationException {
        return runContext.render(property).as(type)
            .orElseThrow(() -> new IllegalArgumentException(name + ": the Azure Batch task runner needs this property"));
    }

    private String optional(Property<String> property) throws IllegalVariableEvaluationException {
        return runContext.render(property).as(String.class).orElse(null);
    }

    private static String withSlashes(Path path) {
        return path.toString().replace('\\', '/');
    }

    private static String write(Map<String, Object> request) {
        try {
            return new ObjectMapper().writeValueAsString(request);
        } catch (JsonProcessingException e) {
            // Strings, numbers and lists of them: there is nothing here that JSON cannot say.
            throw new IllegalStateException(e);
        }
    }
}
