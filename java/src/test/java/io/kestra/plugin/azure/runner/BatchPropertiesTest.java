package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.context.TestRunContextFactory;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.executions.AbstractMetricEntry;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.DefaultLogConsumer;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.serializers.YamlParser;
import jakarta.inject.Inject;
import jakarta.validation.ConstraintViolationException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.Mockito;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;
import static org.mockito.Mockito.when;

/** From the YAML of a flow to the document that starts a run. */
@KestraTest
class BatchPropertiesTest {
    private static final String YAML = """
        type: io.kestra.plugin.azure.runner.Batch
        account: "{{ secrets.account }}"
        accessKey: "{{ secrets.accessKey }}"
        endpoint: https://contosobatch.westeurope.batch.azure.com
        poolId: "{{ vars.poolId }}"
        """;
    private static final String STORAGE = """
        blobStorage:
          containerName: kestra
          connectionString: "{{ secrets.connectionString }}"
        """;

    private static final String REGISTRY = """
        registry:
          registryServer: contoso.azurecr.io
          userName: puller
          password: "{{ secrets.registryPassword }}"
        """;

    @Inject
    private TestRunContextFactory runContextFactory;

    @Inject
    private ModelValidator validator;

    private RunContext runContext;
    private TaskCommands taskCommands;

    @BeforeEach
    void prepareTheTask() throws Exception {
        JsonNode request = Fixtures.read("request.json");
        runContext = runContextFactory.of(variables(request));
        taskCommands = Mockito.mock(TaskCommands.class, Mockito.CALLS_REAL_METHODS);
        Path workingDir = runContext.workingDir().path();
        Files.writeString(workingDir.resolve("main.py"), "print('hello')");
        when(taskCommands.getWorkingDirectory()).thenReturn(workingDir);
        when(taskCommands.getOutputDirectory()).thenReturn(workingDir.resolve("out"));
        when(taskCommands.getContainerImage()).thenReturn("ghcr.io/kestra-io/pydata:latest");
        when(taskCommands.getTimeout()).thenReturn(null);
        when(taskCommands.getTargetOS()).thenReturn(TargetOS.AUTO);
        when(taskCommands.getCommands()).thenReturn(Property.ofValue(List.of("/bin/sh", "-c", "set -e\npython main.py")));
    }

    @Test
    void the_request_is_the_document_that_the_rust_tests_read() throws Exception {
        ObjectNode expected = (ObjectNode) Fixtures.read("request.json");
        ObjectNode request = request(YAML + "waitUntilRunning: PT10M\n" + STORAGE + REGISTRY, List.of("environment_info.json"));
        String prefix = request.get("stagingPrefix").asText();

        assertThat(prefix).matches("kestra-[0-9a-f]{12}");
        assertThat(request.get("jobName").asText()).startsWith("companyteam-azure-batch-runner-");
        expected.set("jobName", request.get("jobName"));
        expected.put("localWorkingDir", runContext.workingDir().path().toString());
        expected.put("stagingPrefix", prefix);
        expected.put("containerWorkingDir", "/tmp/" + prefix);
        expected.withObject("/environment").put("WORKING_DIR", "/tmp/" + prefix).put("BUCKET_PATH", prefix);
        assertThat(request).isEqualTo(expected);
    }

    @Test
    void the_second_form_of_blob_storage_sends_what_is_there_and_no_more() throws Exception {
        JsonNode storage = request(YAML + """
            blobStorage:
              containerName: kestra
              endpoint: https://contosostore.blob.core.windows.net
              sharedKeyAccountName: contosostore
            """, null).get("blobStorage");
        assertThat(storage).isEqualTo(new ObjectMapper().readTree("""
            {"containerName": "kestra", "endpoint": "https://contosostore.blob.core.windows.net", "sharedKeyAccountName": "contosostore"}
            """));
    }

    @Test
    void the_output_directory_is_sent_by_its_name_and_known_to_the_script_by_its_path() throws Exception {
        when(taskCommands.getEnableOutputDirectory()).thenReturn(true);
        JsonNode request = request(YAML + STORAGE, null);
        assertThat(request.get("outputDir").asText()).isEqualTo("out");
        assertThat(request.at("/environment/OUTPUT_DIR").asText()).isEqualTo(request.get("containerWorkingDir").asText() + "/kestra-output");
    }

    @Test
    void a_registry_may_name_an_identity_of_the_pool_instead() throws Exception {
        JsonNode registry = request(YAML + """
            registry:
              registryServer: contoso.azurecr.io
              identityReference:
                resourceId: /subscriptions/1/puller
            """, null).get("registry");
        assertThat(registry).isEqualTo(new ObjectMapper().readTree("""
            {"registryServer": "contoso.azurecr.io", "userName": null, "password": null, "identityReference": {"resourceId": "/subscriptions/1/puller"}}
            """));
    }

    @Test
    void without_a_registry_none_is_sent() throws Exception {
        assertThat(request(YAML, null).get("registry").isNull()).isTrue();
    }

    @Test
    void what_is_set_is_sent_in_place_of_the_default() throws Exception {
        JsonNode request = request(YAML + """
            elevationLevel: ADMIN
            resume: false
            delete: false
            streamLogs: false
            syncWorkingDirectory: true
            """, null);
        assertThat(request.get("elevationLevel").asText()).isEqualTo("ADMIN");
        assertThat(List.of("resume", "delete", "streamLogs")).allSatisfy(name -> assertThat(request.get(name).asBoolean(true)).as(name).isFalse());
        assertThat(request.get("syncWorkingDirectory").asBoolean()).isTrue();
    }

    @Test
    void two_runs_share_neither_directory_nor_blobs() throws Exception {
        assertThat(request(YAML, null).get("stagingPrefix")).isNotEqualTo(request(YAML, null).get("stagingPrefix"));
    }

    @Test
    void the_timeout_of_the_task_wins_over_wait_until_completion() throws Exception {
        when(taskCommands.getTimeout()).thenReturn(Duration.ofSeconds(3));
        assertThat(request(YAML + "waitUntilCompletion: PT2H", null).get("waitUntilCompletionMillis").asLong()).isEqualTo(3000);
    }

    @Test
    void without_wait_until_running_the_task_waits_as_long_as_it_may_take() throws Exception {
        assertThat(request(YAML, null).get("waitUntilRunningMillis").isNull()).isTrue();
    }

    @Test
    void a_duration_that_is_not_positive_is_refused_by_name() {
        assertThatThrownBy(() -> request(YAML + "completionCheckInterval: PT0S", null))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("completionCheckInterval: PT0S");
    }

    @ParameterizedTest
    @NullAndEmptySource
    void a_task_without_container_image_is_refused(String image) {
        when(taskCommands.getContainerImage()).thenReturn(image);
        assertThatThrownBy(() -> request(YAML, null))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("containerImage: ");
    }

    @Test
    void output_files_without_blob_storage_are_refused_before_anything_starts() {
        assertOutputsRefused(YAML, List.of("out.txt"));
    }

    @Test
    void an_output_directory_without_blob_storage_is_refused_before_anything_starts() {
        when(taskCommands.getEnableOutputDirectory()).thenReturn(true);
        assertOutputsRefused(YAML, null);
    }

    @Test
    void sync_working_directory_without_blob_storage_is_refused_before_anything_starts() {
        assertOutputsRefused(YAML + "syncWorkingDirectory: true", null);
    }

    @Test
    void kill_before_run_starts_nothing() throws Exception {
        FakeBoundary rust = new FakeBoundary();
        Batch batch = parse(YAML);
        batch.kill();
        assertThatThrownBy(() -> batch.run(new BatchRun(() -> rust), runContext, taskCommands, null)).isInstanceOf(CancellationException.class);
        assertThat(rust.calls).isEmpty();
    }

    @Test
    void a_timeout_detaches_first_and_kills_the_job_afterwards() throws Exception {
        FakeBoundary rust = new FakeBoundary().answers(() -> {
            Thread.currentThread().interrupt();
            return null;
        });
        Batch batch = parse(YAML);
        assertThatThrownBy(() -> batch.run(new BatchRun(() -> rust), runContext, taskCommands, null)).isInstanceOf(InterruptedException.class);
        batch.kill();
        assertThat(rust.calls).containsExactly("start", "next 7", "close 7", "kill 7");
    }

    @ParameterizedTest
    @ValueSource(strings = {"succeeded", "failed"})
    void the_durations_of_a_run_are_metrics_however_it_ended(String status) throws Exception {
        JsonNode outcome = outcome(status);
        FakeBoundary rust = new FakeBoundary().answers(() -> "[" + outcome + ", {\"type\": \"end\"}]");
        when(taskCommands.getLogConsumer()).thenReturn(new DefaultLogConsumer(runContext));
        catchThrowable(() -> parse(YAML).run(new BatchRun(() -> rust), runContext, taskCommands, null));
        assertThat(runContext.metrics()).extracting(AbstractMetricEntry::getName, AbstractMetricEntry::getValue).containsExactly(
            tuple("stage.duration", Duration.ofMillis(120)),
            tuple("queue.duration", Duration.ofMillis(1500)),
            tuple("run.duration", Duration.ofSeconds(61)),
            tuple("collect.duration", Duration.ofMillis(80))
        );
    }

    @Test
    void a_misspelt_required_property_is_noticed() throws Exception {
        for (String name : List.of("account", "accessKey", "endpoint", "poolId")) {
            Batch batch = parse(YAML.replace(name + ":", name.toUpperCase() + ":"));
            assertThatThrownBy(() -> validator.validate(batch)).isInstanceOf(ConstraintViolationException.class).hasMessageContaining(name);
        }
    }

    @Test
    void a_misspelt_container_name_is_noticed() throws Exception {
        Batch batch = parse(YAML + STORAGE.replace("containerName", "container"));
        assertThatThrownBy(() -> validator.validate(batch)).isInstanceOf(ConstraintViolationException.class).hasMessageContaining("blobStorage.containerName");
    }

    @Test
    void a_misspelt_resource_id_is_noticed() throws Exception {
        Batch batch = parse(YAML + "registry: {identityReference: {resourceid: /subscriptions/1/puller}}");
        assertThatThrownBy(() -> validator.validate(batch)).isInstanceOf(ConstraintViolationException.class).hasMessageContaining("registry.identityReference.resourceId");
    }

    @Test
    void complete_properties_are_valid() throws Exception {
        assertThat(validator.isValid(parse(YAML + STORAGE + REGISTRY))).isEmpty();
    }

    @Test
    void every_example_is_a_flow_that_kestra_accepts() {
        Example[] examples = Batch.class.getAnnotation(Plugin.class).examples();
        assertThat(examples).isNotEmpty().allSatisfy(example -> {
            Flow flow = YamlParser.parse(String.join("\n", example.code()), Flow.class);
            validator.validate(flow);
            assertThat(flow.getTasks()).isNotEmpty();
        });
    }

    @Test
    void no_secret_is_ever_printed() {
        Property<String> secret = Property.ofValue("canary");
        var storage = BlobStorage.builder().connectionString(secret).sharedKeyAccountAccessKey(secret);
        var registry = Registry.builder().password(secret);
        var batch = Batch.builder().accessKey(secret).blobStorage(storage.build()).registry(registry.build());
        for (Object printed : List.of(storage, storage.build(), registry, registry.build(), batch, batch.build())) {
            assertThat(printed.toString()).isNotBlank().doesNotContain("canary");
        }
    }

    /** The first outcome of the fixture with this status. */
    private static JsonNode outcome(String status) throws IOException {
        return Fixtures.read("events.json").valueStream()
            .filter(event -> event.path("status").asText().equals(status))
            .findFirst().orElseThrow();
    }

    private void assertOutputsRefused(String yaml, List<String> outputFiles) {
        FakeBoundary rust = new FakeBoundary();
        assertThatThrownBy(() -> parse(yaml).run(new BatchRun(() -> rust), runContext, taskCommands, outputFiles))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("blobStorage: ");
        assertThat(rust.calls).isEmpty();
    }

    private ObjectNode request(String yaml, List<String> outputFiles) throws Exception {
        return (ObjectNode) new ObjectMapper().readTree(new Request(parse(yaml), runContext, taskCommands).toJson(outputFiles));
    }

    /** As the engine reads a flow: names that it does not know are skipped. */
    private static Batch parse(String yaml) throws Exception {
        return JacksonMapper.ofYaml().readerFor(Batch.class).without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).readValue(yaml);
    }

    /** What Kestra knows of the run that the fixture describes. */
    private static Map<String, Object> variables(JsonNode request) {
        return Map.of(
            "flow", Map.of("id", "azure_batch_runner", "namespace", "company.team"),
            "task", Map.of("id", "scrape_environment_info", "type", "io.kestra.plugin.scripts.python.Commands"),
            "execution", Map.of("id", request.at("/labels/kestra-execution-id").asText()),
            "taskrun", Map.of("id", request.at("/labels/kestra-taskrun-id").asText(), "attemptsCount", 0),
            "vars", Map.of("poolId", request.get("poolId").asText()),
            "secrets", Map.of(
                "account", request.get("account").asText(),
                "accessKey", request.get("accessKey").asText(),
                "connectionString", request.at("/blobStorage/connectionString").asText(),
                "registryPassword", request.at("/registry/password").asText()
            )
        );
    }
}
