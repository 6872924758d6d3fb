package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kestra.core.models.tasks.runners.TargetOS;
import lombok.Builder;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/**
 * The document that starts a run. Its components have the names of the JSON fields; durations are in seconds; what is not set is null.
 *
 * @param timeout the Kestra task's own timeout
 * @param jobName Kestra's name for a job of this task; it ends in a random part
 * @param labels Kestra's labels of the task run
 * @param extraLabels the flow's own
 * @param localWorkingDir the Kestra task's working directory on this machine; what is in it, except for {@code outputDir}, goes in
 * @param containerWorkingDir the absolute path of the working directory in the container
 * @param stagingPrefix the first part of the names of all staged blobs
 * @param outputFiles files and glob patterns to download, relative to the working directory
 * @param outputDir directory on this machine to download all output files to, relative to the working directory
 */
@Builder
record Request(
    String account,
    String accessKey,
    String tenantId,
    String clientId,
    String clientSecret,
    String pemCertificate,
    String endpoint,
    String poolId,
    BlobContainer blobStorage,
    ContainerRegistry registry,
    List<String> entryPoint,
    String containerRunOptions,
    List<Mount> containerHostBatchBindMounts,
    ElevationLevel elevationLevel,
    AutoUserScope autoUserScope,
    String userName,
    String displayName,
    Integer priority,
    Integer requiredSlots,
    Integer maxTaskRetryCount,
    BigDecimal retentionTime,
    BigDecimal timeout,
    BigDecimal waitUntilCompletion,
    BigDecimal waitUntilRunning,
    BigDecimal completionCheckInterval,
    Boolean delete,
    Boolean resume,
    Boolean streamLogs,
    Boolean syncWorkingDirectory,
    String jobName,
    Map<String, String> labels,
    Map<String, String> extraLabels,
    String containerImage,
    TargetOS targetOs,
    List<String> commands,
    Map<String, String> environment,
    String localWorkingDir,
    String containerWorkingDir,
    String stagingPrefix,
    List<String> outputFiles,
    String outputDir
) {
    String toJson() {
        try {
            return Json.MAPPER.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("The request to the native library could not be written as JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** A record's own text holds every component, and some are secrets. */
    @Override
    public String toString() {
        return "Request";
    }

    /** The rendered {@link BlobStorage}. */
    record BlobContainer(
        String containerName,
        String connectionString,
        String endpoint,
        String sharedKeyAccountName,
        String sharedKeyAccountAccessKey,
        String sasToken,
        Identity identityReference
    ) {
        @Override
        public String toString() {
            return "BlobContainer";
        }
    }

    /** The rendered {@link Registry}. */
    record ContainerRegistry(String registryServer, String userName, String password, Identity identityReference) {
        @Override
        public String toString() {
            return "ContainerRegistry";
        }
    }

    /** The rendered {@link BindMount}. */
    record Mount(BindMount.Source source, Boolean isReadOnly) {
    }

    /** The rendered {@link IdentityReference}. */
    record Identity(String resourceId) {
    }

    /** Lombok's own builder prints every field. */
    static final class RequestBuilder {
        @Override
        public String toString() {
            return "RequestBuilder";
        }
    }
}
