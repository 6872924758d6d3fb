package io.kestra.plugin.azure.runner;

import io.kestra.core.models.annotations.PluginProperty;
import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.Valid;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** The registry of the image. The Rust library checks that one of the two forms is complete. */
@SuperBuilder
@ToString
@EqualsAndHashCode
@Getter
@NoArgsConstructor
@Schema(
    title = "Private registry of the container image",
    description = "Set either `userName` and `password`, or `identityReference`."
)
public class Registry {
    @Schema(title = "Host of the registry", description = "For example `myregistry.azurecr.io`. If it is not set, Docker Hub is used.")
    private Property<String> registryServer;

    @Schema(title = "User name")
    private Property<String> userName;

    @Schema(title = "Password")
    @ToString.Exclude
    private Property<String> password;

    @Schema(title = "Managed identity that may pull from the registry, instead of a user name and password")
    @PluginProperty
    @Valid
    private IdentityReference identityReference;

    /** Lombok's own builder prints every field. */
    private static final class RegistryBuilderImpl extends RegistryBuilder<Registry, RegistryBuilderImpl> {
        @Override
        public String toString() {
            return "RegistryBuilder";
        }
    }
}
