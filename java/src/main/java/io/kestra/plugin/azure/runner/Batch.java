package io.kestra.plugin.azure.runner;

import io.kestra.core.exceptions.IllegalVariableEvaluationException;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Metric;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.executions.metrics.Timer;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.RemoteRunnerInterface;
import io.kestra.core.models.tasks.runners.ScriptService;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.tasks.runners.TaskRunner;
import io.kestra.core.models.tasks.runners.TaskRunnerResult;
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

import java.security.SecureRandom;
import java.time.Duration;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The task runner: it renders the flow's properties and hands them to the Rust side, which does the rest. */
@SuperBuilder
@ToString(callSuper = true)
@EqualsAndHashCode(callSuper = true)
@Getter
@NoArgsConstructor
@Schema(
    title = "Run the commands of a script task as a container on an Azure Batch pool",
    description = """
        The runner creates a job with one task on an existing pool, follows its log while it runs, and fails the Kestra task with the exit code of the command.

        Inside the container the working directory is the current directory. `{{ workingDir }}`, `{{ outputDir }}` and relative paths all mean the same files, in the script and in its commands.

        To use `inputFiles`, `namespaceFiles`, `outputFiles`, `{{ outputDir }}` or `syncWorkingDirectory`, set `blobStorage`: the files travel through a blob container.

        The nodes of the pool must be able to run containers, and the image must have a `/bin/sh`.

        When the execution is killed or the task runs into its `timeout`, the job is terminated. When the worker is shut down, the job is left alone, and with `resume` the worker that gets the task next goes on with it.

        The exit code is -1 when the command never ran to its end, for example because its image could not be pulled."""
)
@Plugin(
    metrics = {
        @Metric(name = Details.STAGE_METRIC, type = Timer.TYPE, description = "How long the upload of the input files took."),
        @Metric(name = Details.QUEUE_METRIC, type = Timer.TYPE, description = "How long the task waited for a node."),
        @Metric(name = Details.RUN_METRIC, type = Timer.TYPE, description = "How long the task ran on the node, with the transfer of its files."),
        @Metric(name = Details.COLLECT_METRIC, type = Timer.TYPE, description = "How long the download of the output files took.")
    },
    examples = {
        @Example(
            title = "Run a shell command on an Azure Batch pool.",
            full = true,
            code = """
                id: azure_batch_shell
                namespace: company.team

                variables:
                  poolId: my-pool

                tasks:
                  - id: hello
                    type: io.kestra.plugin.scripts.shell.Commands
                    containerImage: ubuntu:latest
                    taskRunner:
                      type: io.kestra.plugin.azure.runner.Batch
                      account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                      accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                      endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                      poolId: "{{ vars.poolId }}"
                    commands:
                      - echo "Hello from $(hostname)"
                """
        ),
        @Example(
            title = "Give the task an input file and keep the file that it writes.",
            full = true,
            code = """
                id: azure_batch_files
                namespace: company.team

                variables:
                  poolId: my-pool
                  containerName: my-container

                inputs:
                  - id: file
                    type: FILE

                tasks:
                  - id: count_lines
                    type: io.kestra.plugin.scripts.shell.Commands
                    containerImage: ubuntu:latest
                    inputFiles:
                      data.txt: "{{ inputs.file }}"
                    outputFiles:
                      - count.txt
                    taskRunner:
                      type: io.kestra.plugin.azure.runner.Batch
                      account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                      accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                      endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                      poolId: "{{ vars.poolId }}"
                      blobStorage:
                        containerName: "{{ vars.containerName }}"
                        connectionString: "{{ secret('AZURE_STORAGE_CONNECTION_STRING') }}"
                    commands:
                      - wc -l < data.txt > count.txt
                """
        ),
        @Example(
            title = "Run a Python script and keep a value that it reports.",
            full = true,
            code = """
                id: azure_batch_python
                namespace: company.team

                variables:
                  poolId: my-pool
                  containerName: my-container

                tasks:
                  - id: square
                    type: io.kestra.plugin.scripts.python.Commands
                    containerImage: ghcr.io/kestra-io/pydata:latest
                    inputFiles:
                      main.py: |
                        from kestra import Kestra
                        Kestra.outputs({"square": 12 * 12})
                    taskRunner:
                      type: io.kestra.plugin.azure.runner.Batch
                      account: "{{ secret('AZURE_BATCH_ACCOUNT') }}"
                      accessKey: "{{ secret('AZURE_BATCH_ACCESS_KEY') }}"
                      endpoint: "{{ secret('AZURE_BATCH_ENDPOINT') }}"
                      poolId: "{{ vars.poolId }}"
                      blobStorage:
                        containerName: "{{ vars.containerName }}"
                        endpoint: "{{ secret('AZURE_STORAGE_ENDPOINT') }}"
                        sharedKeyAccountName: "{{ secret('AZURE_STORAGE_ACCOUNT') }}"
                        sharedKeyAccountAccessKey: "{{ secret('AZURE_STORAGE_ACCESS_KEY') }}"
                    commands:
                      - python main.py
                """
        )
    }
)
public class Batch extends TaskRunner<BatchDetails> implements RemoteRunnerInterface {
    private static final SecureRandom RANDOM = new SecureRandom();

    /** The output directory inside the container; the Rust side knows it too. The local one has another name in every attempt. */
    private static final String OUTPUT_DIR = "kestra-output";

    @Schema(title = "Name of the Batch account")
    @NotNull
    private Property<String> account;

    @Schema(title = "Access key of the Batch account, in base64")
    @NotNull
    @ToString.Exclude
    private Property<String> accessKey;

    @Schema(title = "Endpoint of the Batch account", description = "For example `https://myaccount.westeurope.batch.azure.com`.")
    @NotNull
    private Property<String> endpoint;

    @Schema(title = "Id of the pool to run on", description = "The pool must exist already.")
    @NotNull
    private Property<String> poolId;

    @Schema(
        title = "The blob container through which files reach the task and come back",
        description = "Needed for `inputFiles`, `namespaceFiles`, `outputFiles`, `{{ outputDir }}` and `syncWorkingDirectory`."
    )
    @PluginProperty
    @Valid
    private BlobStorage blobStorage;

    @Schema(title = "The private registry that holds the container image", description = "Not needed where the image is public, or the pool itself knows the registry.")
    @PluginProperty
    @Valid
    private Registry registry;

    @Schema(
        title = "Rights of the user that runs the task on its node",
        description = "`NON_ADMIN` is an ordinary user that exists only for this task; `ADMIN` makes that user an administrator of the node."
    )
    @NotNull
    @Builder.Default
    private Property<ElevationLevel> elevationLevel = Property.ofValue(ElevationLevel.NON_ADMIN);

    @Schema(
        title = "How long the Batch task may take, staging its input files and waiting in the queue included",
        description = "After that the job is terminated and the Kestra task fails. A `timeout` on the Kestra task takes precedence."
    )
    @NotNull
    @Builder.Default
    private Property<Duration> waitUntilCompletion = Property.ofValue(Duration.ofHours(1));

    @Schema(
        title = "How long the Batch task may wait for a node",
        description = "After that the job is terminated and the Kestra task fails with what the pool's nodes are doing. Without it the task waits as long as `waitUntilCompletion` allows."
    )
    private Property<Duration> waitUntilRunning;

    @Schema(
        title = "The longest pause between two looks at the state of the Batch task",
        description = "The runner looks more often at first. A longer interval makes fewer calls to Azure Batch; the end of the task is then noticed later."
    )
    @NotNull
    @Builder.Default
    private Property<Duration> completionCheckInterval = Property.ofValue(Duration.ofSeconds(5));

    @Schema(title = "Whether to delete the job and the staged files when the task has ended")
    @NotNull
    @Builder.Default
    private Property<Boolean> delete = Property.ofValue(true);

    @Schema(
        title = "Whether to go on with the job that an earlier worker started for the same task run",
        description = "Otherwise a worker that was restarted submits the task once more."
    )
    @NotNull
    @Builder.Default
    private Property<Boolean> resume = Property.ofValue(true);

    @Schema(title = "Whether log lines appear while the task runs", description = "Otherwise they appear when it has ended.")
    @NotNull
    @Builder.Default
    private Property<Boolean> streamLogs = Property.ofValue(true);

    @Schema(
        title = "Whether to bring the whole working directory back after the task",
        description = "All of its files come back then, and not only `outputFiles` and `{{ outputDir }}`. Needs `blobStorage`."
    )
    @NotNull
    @Builder.Default
    private Property<Boolean> syncWorkingDirectory = Property.ofValue(false);

    /**
     * Runs the commands and waits for their end.
     *
     * @throws io.kestra.core.models.tasks.runners.TaskException if the task fails, with its exit code
     * @throws IllegalArgumentException if the configuration is wrong; the message names the property
     * @throws InterruptedException if the thread is interrupted; whether the job ends is decided by whether {@link #kill} follows
     */
    @Override
    public TaskRunnerResult<BatchDetails> run(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        return run(new BatchRun(Native::boundary), runContext, taskCommands, filesToDownload);
    }

    TaskRunnerResult<BatchDetails> run(BatchRun run, RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws Exception {
        onKill(run::kill);
        // A kill from before this line has found no callback; any later one finds it.
        if (getIsKilled().get()) {
            run.kill();
        }
        refuseOutputsWithoutStorage(runContext, taskCommands, filesToDownload);
        run.start(new Request(this, runContext, taskCommands).toJson(filesToDownload));
        Event.Outcome outcome = run.follow(runContext.logger(), taskCommands.getLogConsumer());
        new CleanUp(run, taskCommands.getWorkingDirectory(), runContext.logger()).begin();
        outcome.sendMetricsTo(taskCommands.getLogConsumer());
        return outcome.toResult(taskCommands.getLogConsumer());
    }

    /** Kestra asks for these names, and remembers them, before it runs anything: so they are chosen here. */
    @Override
    protected Map<String, Object> runnerAdditionalVars(RunContext runContext, TaskCommands taskCommands) {
        String workingDir = "/tmp/kestra-" + token();
        Map<String, Object> vars = new HashMap<>();
        vars.put(ScriptService.VAR_WORKING_DIR, workingDir);
        if (taskCommands.outputDirectoryEnabled()) {
            vars.put(ScriptService.VAR_OUTPUT_DIR, workingDir + "/" + OUTPUT_DIR);
        }
        if (blobStorage != null) {
            vars.put(ScriptService.VAR_BUCKET_PATH, stagingPrefix(workingDir));
        }
        return vars;
    }

    /** The absolute path that stands for the working directory inside the container. */
    String containerWorkingDir(RunContext runContext, TaskCommands taskCommands) throws IllegalVariableEvaluationException {
        return additionalVars(runContext, taskCommands).get(ScriptService.VAR_WORKING_DIR).toString();
    }

    /** What the names of the staged blobs begin with: the directory's own name, which no other run shares. */
    static String stagingPrefix(String containerWorkingDir) {
        return containerWorkingDir.substring(containerWorkingDir.lastIndexOf('/') + 1);
    }

    /** The output directory's name inside the working directory. */
    static String outputDirName(TaskCommands taskCommands) {
        return taskCommands.getWorkingDirectory().relativize(taskCommands.getOutputDirectory()).toString();
    }

    private void refuseOutputsWithoutStorage(RunContext runContext, TaskCommands taskCommands, List<String> filesToDownload) throws IllegalVariableEvaluationException {
        if (blobStorage != null) {
            return;
        }
        boolean wanted = taskCommands.outputDirectoryEnabled() || (filesToDownload != null && !filesToDownload.isEmpty());
        if (wanted || runContext.render(syncWorkingDirectory).as(Boolean.class).orElse(false)) {
            throw new IllegalArgumentException("blobStorage: `outputFiles`, `{{ outputDir }}` and `syncWorkingDirectory` come back through a blob container, so the task runner needs a `blobStorage`");
        }
    }

    private static String token() {
        byte[] bytes = new byte[6];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Lombok's own builder prints every field. */
    private static final class BatchBuilderImpl extends BatchBuilder<Batch, BatchBuilderImpl> {
        @Override
        public String toString() {
            return "BatchBuilder";
        }
    }
}
