package io.kestra.plugin.azure.runner;

import io.kestra.core.models.property.Property;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.NotNull;
import lombok.EqualsAndHashCode;
import lombok.Getter;
import lombok.NoArgsConstructor;
import lombok.ToString;
import lombok.experimental.SuperBuilder;

/** A managed identity of the pool. */
@SuperBuilder
@ToString
@EqualsAndHashCode
@Getter
@NoArgsConstructor
@Schema(title = "User-assigned managed identity of the pool")
public class IdentityReference {
    @Schema(
        title = "Azure resource id of the identity",
        description = "`/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/…`. The identity must be assigned to the pool."
    )
    @NotNull
    private Property<String> resourceId;
}
