package io.kestra.plugin.azure.runner;

import io.kestra.core.runners.RunContext;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The properties that stand in Kestra's configuration of this plugin ({@code kestra.plugins.configurations}), for the flows that leave them out. Values are taken literally. */
final class Defaults {
    private static final Defaults NONE = new Defaults(Map.of());
    private static final List<String> NAMES = List.of(
        "account", "endpoint", "poolId",
        "accessKey", "tenantId", "clientId", "clientSecret", "pemCertificate",
        "blobStorage.containerName", "blobStorage.connectionString", "blobStorage.endpoint", "blobStorage.sharedKeyAccountName", "blobStorage.sharedKeyAccountAccessKey",
        "blobStorage.sasToken", "blobStorage.identityReference.resourceId",
        "registry.registryServer", "registry.userName", "registry.password", "registry.identityReference.resourceId"
    );

    /** Nested names are written with a dot. */
    private final Map<String, Object> values;

    private Defaults(Map<String, Object> values) {
        this.values = values;
    }

    /**
     * Reads the configuration of this worker.
     *
     * @param runContext the one that Kestra runs the task runner with; that of the task has the configuration of the task
     * @throws IllegalArgumentException if there is a name that is none of these properties
     */
    static Defaults of(RunContext runContext) {
        Map<String, Object> values = new HashMap<>(runContext.pluginConfigurations());
        values.values().removeIf(Objects::isNull);
        values.keySet().forEach(Defaults::check);
        return new Defaults(values);
    }

    private static void check(String name) {
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException("kestra.plugins.configurations: '" + name + "' is no property that can stand there for " + Batch.class.getName()
                + "; these can: " + String.join(", ", NAMES));
        }
    }

    /** Returns those of a nested property. */
    Defaults in(String parent) {
        String prefix = parent + ".";
        return new Defaults(values.entrySet().stream()
            .filter(entry -> entry.getKey().startsWith(prefix))
            .collect(Collectors.toMap(entry -> entry.getKey().substring(prefix.length()), Map.Entry::getValue)));
    }

    /** For properties that belong together: returns none if the flow sets one of them. */
    Defaults unlessAny(Object... inFlow) {
        return Stream.of(inFlow).allMatch(Objects::isNull) ? this : NONE;
    }

    boolean isEmpty() {
        return values.isEmpty();
    }

    /** Returns null if there is none of this name. */
    String text(String name) {
        return Objects.toString(values.get(name), null);
    }
}
