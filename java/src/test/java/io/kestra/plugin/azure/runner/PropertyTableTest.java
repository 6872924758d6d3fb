package io.kestra.plugin.azure.runner;

import jakarta.validation.constraints.NotNull;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Flows that were written for Kestra's own task runners of this name must keep working, so a change of a name, type or default has to be made here too. */
class PropertyTableTest {
    static final List<Table> TABLES = List.of(
        new Table(Batch.builder().build(), """
            account: Property<String>
            accessKey: Property<String>
            tenantId: Property<String>
            clientId: Property<String>
            clientSecret: Property<String>
            pemCertificate: Property<String>
            endpoint: Property<String>
            poolId: Property<String>
            blobStorage: BlobStorage
            registry: Registry
            entryPoint: Property<List<String>>, []
            containerRunOptions: Property<String>
            containerHostBatchBindMounts: List<BindMount>
            elevationLevel: Property<ElevationLevel>, NON_ADMIN
            autoUserScope: Property<AutoUserScope>, TASK
            userName: Property<String>
            requiredSlots: Property<Integer>
            priority: Property<Integer>
            displayName: Property<String>
            labels: Property<Map<String, String>>
            maxTaskRetryCount: Property<Integer>, 0
            retentionTime: Property<Duration>
            waitUntilCompletion: Property<Duration>, PT1H
            waitUntilRunning: Property<Duration>
            completionCheckInterval: Property<Duration>, PT5S
            delete: Property<Boolean>, true
            resume: Property<Boolean>, true
            streamLogs: Property<Boolean>, true
            syncWorkingDirectory: Property<Boolean>, false
            """),
        new Table(BlobStorage.builder().build(), """
            containerName: Property<String>
            connectionString: Property<String>
            endpoint: Property<String>
            sharedKeyAccountName: Property<String>
            sharedKeyAccountAccessKey: Property<String>
            sasToken: Property<String>
            identityReference: IdentityReference
            """),
        new Table(Registry.builder().build(), """
            registryServer: Property<String>
            userName: Property<String>
            password: Property<String>
            identityReference: IdentityReference
            """),
        new Table(BindMount.builder().build(), """
            source: Property<Source>, required
            isReadOnly: Property<Boolean>, false
            """),
        new Table(IdentityReference.builder().build(), """
            resourceId: Property<String>, required
            """)
    );

    /** The properties of a model, and the model without any of them set. */
    record Table(Object model, String rows) {
        @Override
        public String toString() {
            return model.getClass().getSimpleName();
        }
    }

    @ParameterizedTest(name = "{0}")
    @FieldSource("TABLES")
    void names_types_and_defaults_are_those_of_the_table(Table table) {
        List<String> rows = Arrays.stream(table.model().getClass().getDeclaredFields())
            .filter(field -> !Modifier.isStatic(field.getModifiers()))
            .map(field -> row(field, table.model()))
            .toList();
        assertThat(rows).containsExactlyInAnyOrder(table.rows().split("\n"));
    }

    private static String row(Field property, Object model) {
        Object fallback = valueOf(property, model);
        String row = property.getName() + ": " + type(property);
        if (fallback != null) {
            return row + ", " + fallback;
        }
        return property.isAnnotationPresent(NotNull.class) ? row + ", required" : row;
    }

    private static String type(Field property) {
        return property.getGenericType().getTypeName().replaceAll("[\\w.]+[.$]", "");
    }

    private static Object valueOf(Field property, Object model) {
        try {
            property.setAccessible(true);
            return property.get(model);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
