package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.kestra.core.context.TestRunContextFactory;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.Mockito;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.Mockito.when;

/** What a flow takes from Kestra's configuration of the plugin. */
@KestraTest
class DefaultsTest {
    private static final List<String> IDENTITY = List.of("accessKey", "tenantId", "clientId", "clientSecret", "pemCertificate");
    private static final List<String> STORAGE_ACCOUNT = List.of("connectionString", "endpoint", "sharedKeyAccountName", "sharedKeyAccountAccessKey", "sasToken");

    /** All names, each with a value that tells them apart. */
    private static final Map<String, Object> ALL = Stream.of(
        Stream.of("account", "endpoint", "poolId", "blobStorage.containerName", "blobStorage.identityReference.resourceId"),
        IDENTITY.stream(),
        STORAGE_ACCOUNT.stream().map(name -> "blobStorage." + name),
        Stream.of("registry.registryServer", "registry.userName", "registry.password", "registry.identityReference.resourceId")
    ).flatMap(names -> names).collect(Collectors.toMap(Function.identity(), "common "::concat));

    @Inject
    private TestRunContextFactory runContextFactory;

    @Test
    void what_a_flow_leaves_out_is_taken_from_the_configuration() throws Exception {
        JsonNode request = request("", ALL);
        assertThat(ALL).allSatisfy((name, value) -> assertThat(text(request, name)).as(name).isEqualTo(value));
    }

    @Test
    void what_a_flow_sets_goes_first() throws Exception {
        JsonNode request = request("""
            account: mine
            endpoint: mine
            poolId: mine
            accessKey: mine
            tenantId: mine
            clientId: mine
            clientSecret: mine
            pemCertificate: mine
            blobStorage: {containerName: mine, connectionString: mine, endpoint: mine, sharedKeyAccountName: mine, sharedKeyAccountAccessKey: mine,
                          sasToken: mine, identityReference: {resourceId: mine}}
            registry: {registryServer: mine, userName: mine, password: mine, identityReference: {resourceId: mine}}
            """, ALL);
        assertThat(ALL.keySet()).allSatisfy(name -> assertThat(text(request, name)).as(name).isEqualTo("mine"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"accessKey", "tenantId", "clientId", "clientSecret", "pemCertificate"})
    void a_flow_with_a_part_of_an_identity_takes_no_other_part(String part) throws Exception {
        JsonNode request = request(part + ": mine", ALL);
        assertThat(IDENTITY).allSatisfy(name -> assertThat(text(request, name)).as(name).isEqualTo(name.equals(part) ? "mine" : null));
        assertThat(text(request, "account")).isEqualTo("common account");
    }

    @ParameterizedTest
    @ValueSource(strings = {"connectionString", "endpoint", "sharedKeyAccountName", "sharedKeyAccountAccessKey", "sasToken"})
    void a_flow_with_a_part_of_a_storage_account_takes_only_the_container(String part) throws Exception {
        JsonNode storage = request("blobStorage: {" + part + ": mine}", ALL).get("blobStorage");
        assertThat(STORAGE_ACCOUNT).allSatisfy(name -> assertThat(text(storage, name)).as(name).isEqualTo(name.equals(part) ? "mine" : null));
        assertThat(text(storage, "containerName")).isEqualTo("common blobStorage.containerName");
    }

    @Test
    void a_flow_may_name_another_container_of_the_same_account() throws Exception {
        JsonNode storage = request("blobStorage: {containerName: mine}", ALL).get("blobStorage");
        assertThat(text(storage, "containerName")).isEqualTo("mine");
        assertThat(text(storage, "connectionString")).isEqualTo("common blobStorage.connectionString");
    }

    @Test
    void a_flow_with_a_registry_takes_nothing_of_another() throws Exception {
        JsonNode registry = request("registry: {userName: mine}", ALL).get("registry");
        assertThat(registry).isEqualTo(new ObjectMapper().readTree("""
            {"registryServer": null, "userName": "mine", "password": null, "identityReference": null}
            """));
    }

    @Test
    void values_are_taken_as_they_are() throws Exception {
        assertThat(text(request("", Map.of("poolId", "{{ nobody }}")), "poolId")).isEqualTo("{{ nobody }}");
        assertThat(text(request("", Map.of("poolId", 7)), "poolId")).isEqualTo("7");
    }

    @Test
    void a_name_without_a_value_is_not_set() throws Exception {
        Map<String, Object> empty = new HashMap<>();
        ALL.keySet().forEach(name -> empty.put(name, null));
        JsonNode request = request("", empty);
        assertThat(List.of("poolId", "accessKey", "blobStorage", "registry")).allSatisfy(name -> assertThat(request.get(name).isNull()).as(name).isTrue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"poolID", "blobStorage.container", "delete", "registry"})
    void an_unknown_name_is_refused_by_name_without_its_value(String name) {
        assertThatThrownBy(() -> request("", Map.of(name, "canary")))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("kestra.plugins.configurations: '" + name + "' ", Batch.class.getName())
            .hasMessageContainingAll(ALL.keySet().toArray(String[]::new))
            .hasMessageNotContaining("canary");
    }

    private JsonNode request(String flow, Map<String, Object> configuration) throws Exception {
        Batch batch = JacksonMapper.ofYaml().readValue("type: " + Batch.class.getName() + "\n" + flow, Batch.class);
        return new ObjectMapper().readTree(new RequestRenderer(batch, configured(configuration), taskCommands()).render(null).toJson());
    }

    /** The run context of a task runner with this configuration. */
    private RunContext configured(Map<String, Object> values) {
        RunContext runContext = Mockito.spy(runContextFactory.of(Map.of(
            "flow", Map.of("id", "flow", "namespace", "company.team"),
            "task", Map.of("id", "task"),
            "execution", Map.of("id", "execution"),
            "taskrun", Map.of("id", "taskrun", "attemptsCount", 0)
        )));
        when(runContext.pluginConfigurations()).thenReturn(values);
        return runContext;
    }

    private static TaskCommands taskCommands() {
        TaskCommands taskCommands = Mockito.mock(TaskCommands.class, Mockito.CALLS_REAL_METHODS);
        when(taskCommands.getWorkingDirectory()).thenReturn(Path.of("/nowhere"));
        when(taskCommands.getContainerImage()).thenReturn("ubuntu:latest");
        when(taskCommands.getTargetOS()).thenReturn(TargetOS.AUTO);
        when(taskCommands.getCommands()).thenReturn(Property.ofValue(List.of("true")));
        return taskCommands;
    }

    /** Returns the value at a name with dots; null if there is none. */
    private static String text(JsonNode request, String name) {
        return request.at("/" + name.replace('.', '/')).asText(null);
    }
}
