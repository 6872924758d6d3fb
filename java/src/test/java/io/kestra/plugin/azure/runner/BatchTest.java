package io.kestra.plugin.azure.runner;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.AbstractTaskRunnerTest;
import io.kestra.core.models.tasks.runners.TaskRunner;

/** Kestra's own suite for task runners, on the emulator that the launcher has started. */
class BatchTest extends AbstractTaskRunnerTest {
    @Override
    protected TaskRunner<?> taskRunner() {
        return Batch.builder()
            .type(Batch.class.getName())
            .account(environment("AZURE_BATCH_ACCOUNT"))
            .accessKey(environment("AZURE_BATCH_ACCESS_KEY"))
            .endpoint(environment("AZURE_BATCH_ENDPOINT"))
            .poolId(environment("AZURE_BATCH_POOL"))
            .blobStorage(BlobStorage.builder()
                .containerName(environment("AZURE_STORAGE_CONTAINER"))
                .connectionString(environment("AZURE_STORAGE_CONNECTION_STRING"))
                .build())
            .syncWorkingDirectory(Property.ofValue(true))
            .build();
    }

    @Override
    protected String defaultImage() {
        return "ubuntu:latest";
    }

    private static Property<String> environment(String name) {
        String value = System.getenv(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set: start this test with `make test`, which starts the emulator");
        }
        return Property.ofValue(value);
    }
}
