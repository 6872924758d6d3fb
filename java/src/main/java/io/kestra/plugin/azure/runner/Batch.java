package io.kestra.plugin.azure.runner;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Metric;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.executions.metrics.Counter;
import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.RemoteRunnerInterface;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.runners.RunContext;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import lombok.Builder;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The task runner. It renders its properties and passes them to the Rust library, which does the rest. */
@SuperBuilder
@ToString(callSuper = true)
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run a script task in a container on an Azure Batch pool",
    description = """
        The runner creates a job with one task on an existing pool and shows its log while it runs. If the command exits with a code other than 0, the Kestra task fails with that code.

        In the container, `{{ workingDir }}` is the current directory, into which relative paths lead. `{{ outputDir }}` is a directory in it.

        To use `inputFiles`, `namespaceFiles`, `outputFiles`, `{{ outputDir }}` or `syncWorkingDirectory`, set `blobStorage`: the files are transferred through a blob container.

        What is the same for all flows (`account`, `accessKey` or what is set instead of it, `endpoint`, `poolId`, `blobStorage`, `registry`) can be set once in the configuration of Kestra, under `kestra.plugins.configurations`. The value in the flow takes precedence.

        The nodes of the pool must be able to run containers, and the image must have a `/bin/sh`.

        When the execution is killed or the task reaches its `timeout`, the job is terminated. When the worker is shut down, the job continues; with `resume`, the next worker that gets the task continues to follow the job.

        The exit code is -1 if the command did not run to its end, for example because its image could not be pulled."""
)
@Plugin(
    // That of Kestra's Enterprise edition: its flows run unchanged.
    aliases = "io.kestra.plugin.ee.azure.runner.Batch",
    metrics = {
        @Metric(name = Details.STAGE_METRIC, type = Timer.TYPE, description = "How long the upload of the input files took."),
        @Metric(name = Details.QUEUE_METRIC, type = Timer.TYPE, description = "How long the task waited for a node."),
        @Metric(name = Details.RUN_METRIC, type = Timer.TYPE, description = "How long the task ran on the node, including the transfer of its files."),
        @Metric(name = Details.COLLECT_METRIC, type = Timer.TYPE, description = "How long the download of the output files took."),
        @Metric(name = Details.STAGE_FILES_METRIC, type = Counter.TYPE, unit = "files", description = "Input files that were uploaded."),
        @Metric(name = Details.STAGE_BYTES_METRIC, type = Counter.TYPE, unit = "bytes", description = "Bytes of those files."),
        @Metric(name = Details.COLLECT_FILES_METRIC, type = Counter.TYPE, unit = "files", description = "Output files that were downloaded."),
        @Metric(name = Details.COLLECT_BYTES_METRIC, type = Counter.TYPE, unit = "bytes", description = "Bytes of those files."),
        @Metric(name = Details.REQUESTS_METRIC, type = Counter.TYPE, unit = "requests", description = "Requests to Azure Batch."),
        @Metric(name = Details.RETRIES_METRIC, type = Counter.TYPE, unit = "requests", description = "Requests to Azure Batch that were made again after an error."),
        @Metric(
            name = Details.THROTTLED_METRIC,
            type = Timer.TYPE,
            description = "How long requests to Azure Batch were held back because of the rate that the account takes."
        ),
        @Metric(name = Details.BLOB_REQUESTS_METRIC, type = Counter.TYPE, unit = "requests", description = "Requests to Blob Storage."),
        @Metric(name = Details.BLOB_RETRIES_METRIC, type = Counter.TYPE, unit = "requests", description = "Requests to Blob Storage that were made again after an error."),
        @Metric(name = Details.USER_CPU_METRIC, type = Timer.TYPE, description = "CPU time of the task in user mode, if Azure Batch has it."),
        @Metric(name = Details.KERNEL_CPU_METRIC, type = Timer.TYPE, description = "CPU time of the task in kernel mode, if Azure Batch has it."),
        @Metric(name = Details.WALL_CLOCK_METRIC, type = Timer.TYPE, description = "How long the task ran on the node."),
        @Metric(name = Details.READ_OPERATIONS_METRIC, type = Counter.TYPE, unit = "operations", description = "Reads from disk, if Azure Batch has their number."),
        @Metric(name = Details.WRITE_OPERATIONS_METRIC, type = Counter.TYPE, unit = "operations", description = "Writes to disk, if Azure Batch has their number."),
        @Metric(name = Details.READ_GIB_METRIC, type = Counter.TYPE, unit = "GiB", description = "GiB read from disk, if Azure Batch has their number."),
        @Metric(name = Details.WRITE_GIB_METRIC, type = Counter.TYPE, unit = "GiB", description = "GiB written to disk, if Azure Batch has their number.")
    },
    examples = {
        @Example(title = "Run a shell command on an Azure Batch pool.", full = true, code = Examples.SHELL),
        @Example(title = "Pass an input file to the task and keep the file that it writes.", full = true, code = Examples.FILES),
        @Example(title = "Run a Python script and keep a value that it reports.", full = true, code = Examples.PYTHON),
        @Example(
            title = "Run a Python script with packages. The worker installs them, for the Python of the image, and they travel with the input files.",
            full = true,
            code = Examples.DEPENDENCIES
        ),
        @Example(title = "Run a task in an image of a private registry.", full = true, code = Examples.REGISTRY),
        @Example(title = "Use the GPUs of a pool that has some: Batch gives them to the container by itself. The task takes two slots of its node, and has more shared memory than usual.", full = true, code = Examples.GPU),
        @Example(title = "Let three tasks share their files. With `syncWorkingDirectory`, what one leaves in the working directory is there for the next, whichever node it runs on.", full = true, code = Examples.WORKING_DIRECTORY),
        @Example(title = "Run 50 tasks, ten at once, in Kestra 1. Each is a job of its own, and active jobs count against a quota of the Batch account.", full = true, code = Examples.FOR_EACH),
        @Example(title = "Run 50 tasks, ten at once, in Kestra 2.", full = true, code = Examples.LOOP),
        @Example(title = "A flow for others to call: it returns what its task reports.", full = true, code = Examples.REPORT),
        @Example(title = "Call that flow.", full = true, code = Examples.SUBFLOW)
    }
)
public class Batch extends Runner implements RemoteRunnerInterface {
    private static final CleanUp CLEAN_UP = new CleanUp();
    private static final String CONTAINER_PARENT = "/tmp/";

    /** Name of the output directory in the container. The Rust library has the same constant; tests/fixtures/request.json holds it for the tests of both. */
    private static final String OUTPUT_DIR = "kestra-output";

    @Schema(title = "Name of the Batch account")
    private Property<String> account;

    @Schema(
        title = "Access key of the Batch account, in base64",
        description = """
            If it is not set, the runner signs in to the Batch account with Microsoft Entra ID: as the service principal of `tenantId` and `clientId`, with `clientSecret` or `pemCertificate`.

            If none of the five is set, the runner uses the first of these that the worker has: the environment variables `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_CLIENT_SECRET` or `AZURE_CLIENT_CERTIFICATE_PATH`; a workload identity (`AZURE_FEDERATED_TOKEN_FILE`); a managed identity."""
    )
    @ToString.Exclude
    private Property<String> accessKey;

    @Schema(title = "Directory (tenant) ID of the service principal")
    private Property<String> tenantId;

    @Schema(
        title = "Application (client) ID of the service principal",
        description = "If neither `clientSecret` nor `pemCertificate` is set, it is that of a user-assigned managed identity or of a workload identity."
    )
    private Property<String> clientId;

    @Schema(title = "Client secret of the service principal")
    @ToString.Exclude
    private Property<String> clientSecret;

    @Schema(title = "Certificate of the service principal and its private key, in PEM", description = "Instead of `clientSecret`.")
    @ToString.Exclude
    private Property<String> pemCertificate;

    @Schema(title = "Endpoint of the Batch account", description = "For example `https://myaccount.westeurope.batch.azure.com`.")
    private Property<String> endpoint;

    @Schema(title = "Id of the pool to run on", description = "The pool must exist already.")
    private Property<String> poolId;

    @Schema(
        title = "Blob container through which input and output files are transferred",
        description = "Needed for `inputFiles`, `namespaceFiles`, `outputFiles`, `{{ outputDir }}` and `syncWorkingDirectory`."
    )
    @PluginProperty
    private BlobStorage blobStorage;

    @Schema(title = "Private registry of the container image", description = "Not needed if the image is public, or if the pool is configured with the registry.")
    @PluginProperty
    @Valid
    private Registry registry;

    @Schema(
        title = "Entry point of the container: a program and its first arguments",
        description = "The default, a list of one empty string, clears the entry point of the image, so that the commands of the task run by themselves, as with Kestra's Docker task runner. An empty list keeps the entry point of the image."
    )
    @NotNull
    @Builder.Default
    private Property<List<String>> entryPoint = Properties.ofValue(List.of(""));

    @Schema(
        title = "More options for the container, as for `docker create`",
        description = """
            For example `--shm-size=1g --ulimit memlock=-1`. What the options mean and which of them the nodes accept is up to Docker and Azure Batch.

            `--entrypoint` is set by `entryPoint`; `--workdir`, `--name` and `--user` are not possible. On pools with GPUs, Azure Batch gives them to every container without `--gpus`."""
    )
    private Property<String> containerRunOptions;

    @Schema(
        title = "Directories of the node that the container sees",
        description = "If it is not set, the container sees everything that Azure Batch has on the node, the files of other tasks included. `TASK` must be one of them, and not be read-only."
    )
    @PluginProperty
    @Valid
    private List<BindMount> containerHostBatchBindMounts;

    @Schema(
        title = "Rights of the user that runs the task on the node",
        description = "`NON_ADMIN` is an ordinary user that exists only for this task. `ADMIN` gives that user administrator rights; in the container it is root."
    )
    @NotNull
    @Builder.Default
    private Property<ElevationLevel> elevationLevel = Properties.ofValue(ElevationLevel.NON_ADMIN);

    @Schema(
        title = "Whether the user that runs the task exists only for this task",
        description = "With `POOL`, all tasks of the node that have this scope run as the same user and can read each other's files."
    )
    @NotNull
    @Builder.Default
    private Property<AutoUserScope> autoUserScope = Properties.ofValue(AutoUserScope.TASK);

    @Schema(
        title = "User account of the pool that runs the task",
        description = "The pool must have it in its `userAccounts`, which also set its rights: `elevationLevel` and `autoUserScope` keep their defaults."
    )
    private Property<String> userName;

    @Schema(title = "Slots of a node that the Batch task takes", description = "At most `taskSlotsPerNode` of the pool. If it is not set, the task takes one slot.")
    private Property<Integer> requiredSlots;

    @Schema(
        title = "Priority of the job among those that wait for nodes of the pool",
        description = "From -1000 to 1000. If it is not set, the priority is 0."
    )
    private Property<Integer> priority;

    @Schema(title = "Name of the job in the Azure portal", description = "Up to 1,024 characters. If it is not set, only the id of the job is shown.")
    private Property<String> displayName;

    @Schema(title = "More labels for the job", description = "They become metadata of the job, next to the labels that Kestra sets.")
    private Property<Map<String, String>> labels;

    @Schema(
        title = "How often Azure Batch runs the task again if its exit code is not 0",
        description = "-1 means without limit. Log lines from the end of a failed run can be missing or appear twice, and output files of failed runs are downloaded too, unless a later run replaces them. The `retry` of the Kestra task has neither effect: it creates a new job."
    )
    @NotNull
    @Builder.Default
    private Property<Integer> maxTaskRetryCount = Properties.ofValue(0);

    @Schema(
        title = "How long the node keeps the files of the Batch task after its end",
        description = "At least 10 minutes. If it is not set, Azure Batch keeps them for 7 days. They are removed earlier if the job is deleted or the node is removed."
    )
    private Property<Duration> retentionTime;

    @Schema(
        title = "How long the Batch task may take, including the upload of its input files and the wait for a node",
        description = "After that, the job is terminated and the Kestra task fails. If the Kestra task has a `timeout`, that is used instead."
    )
    @NotNull
    @Builder.Default
    private Property<Duration> waitUntilCompletion = Properties.ofValue(Duration.ofHours(1));

    @Schema(
        title = "How long the Batch task may wait for a node",
        description = "After that, the job is terminated and the Kestra task fails; the message says what state the nodes of the pool are in. If it is not set, only `waitUntilCompletion` limits the wait."
    )
    private Property<Duration> waitUntilRunning;

    @Schema(
        title = "Longest pause between two requests for the state of the Batch task",
        description = "While the task runs, the pause is 5 % of the time that it has run, at least 250 ms and at most this interval. With a longer interval the runner sends fewer requests to Azure Batch, but notices the end of the task later."
    )
    @NotNull
    @Builder.Default
    private Property<Duration> completionCheckInterval = Properties.ofValue(Duration.ofSeconds(5));

    @Schema(title = "Whether to delete the job and the staged files when the task has ended")
    @NotNull
    @Builder.Default
    private Property<Boolean> delete = Properties.ofValue(true);

    @Schema(
        title = "Whether to continue with the job that an earlier worker started for the same task run",
        description = "Otherwise the next worker that gets the task run submits it again."
    )
    @NotNull
    @Builder.Default
    private Property<Boolean> resume = Properties.ofValue(true);

    @Schema(title = "Whether to show log lines while the task runs", description = "Otherwise they are shown when it has ended.")
    @NotNull
    @Builder.Default
    private Property<Boolean> streamLogs = Properties.ofValue(true);

    @Schema(
        title = "Whether to download the whole working directory after the task",
        description = "Everything that has changed is downloaded then, not only `outputFiles` and `{{ outputDir }}`. Needs `blobStorage`."
    )
    @NotNull
    @Builder.Default
    private Property<Boolean> syncWorkingDirectory = Properties.ofValue(false);

    @Override
    Event.Outcome outcome(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        return outcome(new BatchRun(Native::boundary), runContext, taskCommands, filesToDownload);
    }

    Event.Outcome outcome(BatchRun run, RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        onKill(run::kill);
        // A kill before the line above found no callback; any later one finds it.
        if (getIsKilled().get()) {
            run.kill();
        }
        run.start(new RequestRenderer(this, runContext, taskCommands).render(filesToDownload).toJson());
        Event.Outcome outcome = run.follow(runContext.logger(), Progress.of(runContext), taskCommands.getLogConsumer());
        CLEAN_UP.begin(run, taskCommands.getWorkingDirectory(), runContext.logger());
        outcome.sendMetricsTo(taskCommands.getLogConsumer());
        return outcome;
    }

    /** Names the run. Kestra calls this before it renders the commands, and keeps the result for this object. */
    @Override
    protected Map<String, Object> runnerAdditionalVars(RunContext runContext, TaskCommands taskCommands) {
        String workingDir = CONTAINER_PARENT + RunName.of(labels(runContext));
        Map<String, Object> vars = new HashMap<>();
        vars.put(ScriptService.VAR_WORKING_DIR, workingDir);
        if (taskCommands.outputDirectoryEnabled()) {
            vars.put(ScriptService.VAR_OUTPUT_DIR, workingDir + "/" + OUTPUT_DIR);
        }
        // Not for a container of the plugin's configuration: this run context has that of the task.
        if (blobStorage != null) {
            vars.put(ScriptService.VAR_BUCKET_PATH, stagingPrefix(workingDir));
        }
        return vars;
    }

    /** Returns the absolute path of the working directory in the container. */
    String containerWorkingDir(RunContext runContext, TaskCommands taskCommands) throws IllegalVariableEvaluationException {
        return additionalVars(runContext, taskCommands).get(ScriptService.VAR_WORKING_DIR).toString();
    }

    /** Returns the first part of the names of all staged blobs: the name of the run. */
    static String stagingPrefix(String containerWorkingDir) {
        return containerWorkingDir.substring(CONTAINER_PARENT.length());
    }

    /** Returns Kestra's labels of the task run. */
    static Map<String, String> labels(RunContext runContext) {
        return ScriptService.labels(runContext, "kestra-", true, true);
    }

    /** Lombok's own builder prints every field. */
    private static final class BatchBuilderImpl extends BatchBuilder<Batch, BatchBuilderImpl> {
        @Override
        public String toString() {
            return "BatchBuilder";
        }
    }
}
