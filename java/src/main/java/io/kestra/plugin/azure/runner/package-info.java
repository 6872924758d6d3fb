@PluginSubGroup(
    title = "Azure Batch",
    description = "Runs script tasks in containers on an Azure Batch pool.",
    categories = PluginSubGroup.PluginCategory.CLOUD
)
package io.kestra.plugin.azure.runner;

import io.kestra.core.models.annotations.PluginSubGroup;
