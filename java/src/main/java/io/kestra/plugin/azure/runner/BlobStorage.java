package io.kestra.plugin.azure.runner;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** The blob container for staged files. The Rust library checks that one of the forms is complete. */
@SuperBuilder
@ToString
@EqualsAndHashCode
@Getter
@NoArgsConstructor
@Schema(
    title = "Blob container through which input and output files are transferred",
    description = "Set either `connectionString`, or `endpoint`: with `sharedKeyAccountName` and `sharedKeyAccountAccessKey`, with `sasToken`, or alone. "
        + "Alone, the runner signs in with Microsoft Entra ID, as `tenantId`, `clientId`, `clientSecret` and `pemCertificate` of the task runner or the worker's environment say."
)
public class BlobStorage {
    @Schema(title = "Name of the blob container", description = "It must exist already.")
    private Property<String> containerName;

    @Schema(title = "Connection string of the storage account", description = "It must contain the account key or a SAS.")
    @ToString.Exclude
    private Property<String> connectionString;

    @Schema(title = "Blob endpoint of the storage account", description = "For example `https://myaccount.blob.core.windows.net`.")
    private Property<String> endpoint;

    @Schema(title = "Name of the storage account")
    private Property<String> sharedKeyAccountName;

    @Schema(title = "Key of the storage account, in base64")
    @ToString.Exclude
    private Property<String> sharedKeyAccountAccessKey;

    @Schema(title = "SAS token of the container or of the storage account", description = "It must allow to read, write, delete and list, and outlive the run. The nodes get it as it is.")
    @ToString.Exclude
    private Property<String> sasToken;

    @Schema(title = "User-assigned identity of the pool with which the nodes read and write the container", description = "Without it they get signed URLs.")
    @PluginProperty
    private IdentityReference identityReference;

    /** Lombok's own builder prints every field. */
    private static final class BlobStorageBuilderImpl extends BlobStorageBuilder<BlobStorage, BlobStorageBuilderImpl> {
        @Override
        public String toString() {
            return "BlobStorageBuilder";
        }
    }
}
