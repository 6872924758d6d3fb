package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.context.TestRunContextFactory;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.models.annotations.Example;
import io.kestra.core.models.annotations.Plugin;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.runners.AbstractLogConsumer;
import io.kestra.core.models.tasks.runners.DefaultLogConsumer;
import io.kestra.core.models.tasks.runners.TargetOS;
import io.kestra.core.models.tasks.runners.TaskCommands;
import io.kestra.core.models.validations.ModelValidator;
import io.kestra.core.runners.RunContext;
import io.kestra.core.serializers.JacksonMapper;
import io.kestra.core.serializers.YamlParser;
import jakarta.inject.Inject;
import jakarta.validation.ConstraintViolationException;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullAndEmptySource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mockito.Mockito;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;
import static org.mockito.Mockito.when;

/** How the properties in a flow become the request that starts a run. */
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
        runContext = runContextFactory.of(variables(request, 0));
        taskCommands = Mockito.mock(TaskCommands.class, Mockito.CALLS_REAL_METHODS);
        Path workingDir = runContext.workingDir().path();
        Files.writeString(workingDir.resolve("main.py"), "print('hello')");
        when(taskCommands.getWorkingDirectory()).thenReturn(workingDir);
        when(taskCommands.getOutputDirectory()).thenReturn(workingDir.resolve("out"));
        when(taskCommands.getContainerImage()).thenReturn("ghcr.io/kestra-io/pydata:latest");
        when(taskCommands.getTimeout()).thenReturn(null);
        when(taskCommands.getLogConsumer()).thenReturn(new DefaultLogConsumer(runContext));
        when(taskCommands.getTargetOS()).thenReturn(TargetOS.AUTO);
        when(taskCommands.getCommands()).thenReturn(Property.ofValue(List.of("/bin/sh", "-c", "set -e\npython main.py")));
    }

    @Test
    void the_request_is_the_document_that_the_rust_tests_read() throws Exception {
        when(taskCommands.getEnableOutputDirectory()).thenReturn(true);
        ObjectNode expected = (ObjectNode) Fixtures.read("request.json");
        ObjectNode request = request(YAML + "waitUntilRunning: PT10M\n" + STORAGE + REGISTRY, List.of("environment_info.json"));
        String prefix = request.get("stagingPrefix").asText();

        assertThat(prefix).matches("kestra-[0-9a-f]{20}-[0-9a-f]{12}");
        assertThat(prefix).hasSameSizeAs(expected.get("stagingPrefix").asText());
        assertThat(request.get("jobName").asText()).startsWith("companyteam-azure-batch-runner-");
        expected.set("jobName", request.get("jobName"));
        expected.put("localWorkingDir", runContext.workingDir().path().toString());
        expected.put("stagingPrefix", prefix);
        expected.put("containerWorkingDir", "/tmp/" + prefix);
        expected.withObject("/environment")
            .put("WORKING_DIR", "/tmp/" + prefix)
            .put("OUTPUT_DIR", "/tmp/" + prefix + "/kestra-output")
            .put("BUCKET_PATH", prefix);
        assertThat(request).isEqualTo(expected);
    }

    @Test
    void places_in_the_working_directory_are_those_of_the_container() throws Exception {
        Path workingDir = runContext.workingDir().path();
        when(taskCommands.getEnv()).thenReturn(Map.of("PYTHONPATH", workingDir.resolve("lib") + ":/opt/lib"));
        JsonNode request = request(YAML, null);
        assertThat(request.at("/environment/PYTHONPATH").asText()).isEqualTo(request.get("containerWorkingDir").asText() + "/lib:/opt/lib");
    }

    @Test
    void an_identity_is_sent_instead_of_a_key() throws Exception {
        JsonNode request = request(YAML.replaceAll("accessKey: .*", """
            tenantId: "{{ vars.tenant }}"
            clientId: client
            clientSecret: "{{ secrets.clientSecret }}"
            pemCertificate: |
              -----BEGIN CERTIFICATE-----
            """), null);
        assertThat(request.get("accessKey").isNull()).isTrue();
        assertThat(List.of("tenantId", "clientId", "clientSecret", "pemCertificate")).extracting(name -> request.get(name).asText())
            .containsExactly("tenant", "client", "client secret", "-----BEGIN CERTIFICATE-----\n");
    }

    @Test
    void the_second_form_of_blob_storage_is_sent_and_what_is_not_set_is_null() throws Exception {
        JsonNode storage = request(YAML + """
            blobStorage:
              containerName: kestra
              endpoint: https://contosostore.blob.core.windows.net
              sharedKeyAccountName: contosostore
            """, null).get("blobStorage");
        assertThat(storage).isEqualTo(new ObjectMapper().readTree("""
            {"containerName": "kestra", "connectionString": null, "endpoint": "https://contosostore.blob.core.windows.net",
             "sharedKeyAccountName": "contosostore", "sharedKeyAccountAccessKey": null, "sasToken": null, "identityReference": null}
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
    void a_property_that_is_set_is_sent_instead_of_its_default() throws Exception {
        JsonNode request = request(YAML + """
            entryPoint: ["tini", "--"]
            containerRunOptions: "--shm-size={{ 1 + 1 }}g"
            containerHostBatchBindMounts:
              - source: TASK
              - source: VFS_MOUNTS
                isReadOnly: true
            elevationLevel: ADMIN
            autoUserScope: POOL
            userName: "{{ 'chief' }}"
            resume: false
            delete: false
            streamLogs: false
            syncWorkingDirectory: true
            """, null);
        assertThat(request.get("entryPoint")).isEqualTo(new ObjectMapper().readTree("[\"tini\", \"--\"]"));
        assertThat(request.get("containerRunOptions").asText()).isEqualTo("--shm-size=2g");
        assertThat(request.get("containerHostBatchBindMounts")).isEqualTo(new ObjectMapper().readTree("""
            [{"source": "TASK", "isReadOnly": false}, {"source": "VFS_MOUNTS", "isReadOnly": true}]
            """));
        assertThat(List.of(request.get("elevationLevel").asText(), request.get("autoUserScope").asText(), request.get("userName").asText())).containsExactly("ADMIN", "POOL", "chief");
        assertThat(List.of("resume", "delete", "streamLogs")).allSatisfy(name -> assertThat(request.get(name).asBoolean(true)).as(name).isFalse());
        assertThat(request.get("syncWorkingDirectory").asBoolean()).isTrue();
    }

    @Test
    void what_the_flow_says_of_its_job_is_rendered() throws Exception {
        JsonNode request = request(YAML + """
            requiredSlots: "{{ 1 + 1 }}"
            priority: -5
            displayName: "Flow {{ flow.id }}"
            labels:
              team: "{{ flow.namespace }}"
            maxTaskRetryCount: 3
            retentionTime: PT1H
            """, null);
        assertThat(List.of(request.get("requiredSlots").asInt(), request.get("priority").asInt(), request.get("maxTaskRetryCount").asInt())).containsExactly(2, -5, 3);
        assertThat(request.get("displayName").asText()).startsWith("Flow ").doesNotContain("{");
        assertThat(request.get("extraLabels").get("team").asText()).isEqualTo(request.get("labels").get("kestra-namespace").asText());
        assertThat(request.get("retentionTime").asInt()).isEqualTo(3600);
    }

    @Test
    void two_runs_share_neither_directory_nor_blobs() throws Exception {
        assertThat(request(YAML, null).get("stagingPrefix")).isNotEqualTo(request(YAML, null).get("stagingPrefix"));
    }

    @Test
    void attempts_of_one_task_run_have_names_that_begin_alike() throws Exception {
        String first = request(YAML, null).get("stagingPrefix").asText();
        runContext = runContextFactory.of(variables(Fixtures.read("request.json"), 1));
        String second = request(YAML, null).get("stagingPrefix").asText();
        assertThat(second.substring(0, second.lastIndexOf('-'))).isEqualTo(first.substring(0, first.lastIndexOf('-')));
    }

    @Test
    void the_commands_and_the_request_see_the_same_name() throws Exception {
        Batch batch = parse(YAML + STORAGE);
        Map<String, Object> seenByTheCommands = batch.additionalVars(runContext, taskCommands);
        Request request = new RequestRenderer(batch, runContext, taskCommands).render(null);
        assertThat(seenByTheCommands).containsEntry("workingDir", request.containerWorkingDir()).containsEntry("bucketPath", request.stagingPrefix());
        assertThat(request.containerWorkingDir()).isEqualTo("/tmp/" + request.stagingPrefix());
    }

    @Test
    void the_timeout_of_the_task_is_sent_beside_wait_until_completion() throws Exception {
        when(taskCommands.getTimeout()).thenReturn(Duration.ofSeconds(3));
        JsonNode request = request(YAML + "waitUntilCompletion: PT2H", null);
        assertThat(request.get("timeout").asLong()).isEqualTo(3);
        assertThat(request.get("waitUntilCompletion").asLong()).isEqualTo(7200);
    }

    @ParameterizedTest
    @CsvSource({
        "PT0.5S, 0.5",
        "PT1.000000001S, 1.000000001",
        "PT0S, 0",
        "PT-0.5S, -0.5",
        "P100000000000D, 8640000000000000",
        "PT9223372036854775807S, 9223372036854775807",
    })
    void every_duration_is_sent_as_a_decimal_number_of_seconds(String duration, BigDecimal seconds) throws Exception {
        assertThat(request(YAML + "completionCheckInterval: " + duration, null).get("completionCheckInterval").decimalValue()).isEqualByComparingTo(seconds);
    }

    @Test
    void properties_that_are_not_set_are_sent_as_null() throws Exception {
        JsonNode request = request("type: io.kestra.plugin.azure.runner.Batch\nelevationLevel: null\ndelete: null", null);
        assertThat(List.of("account", "accessKey", "tenantId", "clientId", "clientSecret", "pemCertificate", "endpoint", "poolId", "blobStorage", "registry", "elevationLevel", "timeout", "waitUntilRunning", "delete", "outputDir"))
            .allSatisfy(name -> assertThat(request.get(name).isNull()).as(name).isTrue());
    }

    @ParameterizedTest
    @NullAndEmptySource
    void a_missing_container_image_is_sent_as_kestra_renders_it(String image) throws Exception {
        when(taskCommands.getContainerImage()).thenReturn(image);
        assertThat(request(YAML, null).get("containerImage").asText("")).isEmpty();
    }

    @Test
    void an_unknown_operating_system_is_sent_as_null() throws Exception {
        when(taskCommands.getTargetOS()).thenReturn(null);
        assertThat(request(YAML, null).get("targetOs").isNull()).isTrue();
    }

    @Test
    void without_output_files_an_empty_list_is_sent() throws Exception {
        assertThat(request(YAML, null).get("outputFiles")).isEqualTo(new ObjectMapper().createArrayNode());
    }

    @Test
    void outputs_without_blob_storage_are_sent_as_they_are() throws Exception {
        when(taskCommands.getEnableOutputDirectory()).thenReturn(true);
        JsonNode request = request(YAML + "syncWorkingDirectory: true", List.of("out.txt"));
        assertThat(request.get("blobStorage").isNull()).isTrue();
        assertThat(request.at("/outputFiles/0").asText()).isEqualTo("out.txt");
        assertThat(request.get("outputDir").asText()).isEqualTo("out");
        assertThat(request.get("syncWorkingDirectory").asBoolean()).isTrue();
        assertThat(request.get("environment").has("BUCKET_PATH")).isFalse();
    }

    @Test
    void kill_before_run_starts_nothing() throws Exception {
        FakeBoundary rust = new FakeBoundary();
        Batch batch = parse(YAML);
        batch.kill();
        assertThatThrownBy(() -> batch.outcome(new BatchRun(() -> rust), runContext, taskCommands, null)).isInstanceOf(CancellationException.class);
        assertThat(rust.calls).isEmpty();
    }

    @Test
    void a_timeout_closes_the_run_first_and_kills_the_job_afterwards() throws Exception {
        FakeBoundary rust = new FakeBoundary().answers(() -> {
            Thread.currentThread().interrupt();
            return null;
        });
        Batch batch = parse(YAML);
        assertThatThrownBy(() -> batch.outcome(new BatchRun(() -> rust), runContext, taskCommands, null)).isInstanceOf(InterruptedException.class);
        batch.kill();
        assertThat(rust.calls).containsExactly("start", "next 7", "close 7", "kill 7");
    }

    @Test
    void what_a_run_took_are_metrics() throws Exception {
        assertThat(metrics("succeeded")).containsExactly(
            tuple("stage.duration", Duration.ofMillis(120)),
            tuple("queue.duration", Duration.ofMillis(1500)),
            tuple("run.duration", Duration.ofSeconds(61)),
            tuple("collect.duration", Duration.ofMillis(80)),
            tuple("stage.files.count", 3.0),
            tuple("stage.bytes.count", 4096.0),
            tuple("collect.files.count", 2.0),
            tuple("collect.bytes.count", 1048576.0),
            tuple("batch.requests.count", 12.0),
            tuple("batch.retries.count", 1.0),
            tuple("batch.throttled.duration", Duration.ofMillis(2500)),
            tuple("blob.requests.count", 14.0),
            tuple("blob.retries.count", 2.0),
            tuple("cpu.user.duration", Duration.ofSeconds(50)),
            tuple("cpu.kernel.duration", Duration.ofSeconds(4)),
            tuple("wall.clock.duration", Duration.ofSeconds(61)),
            tuple("io.read.ops.count", 10.0),
            tuple("io.write.ops.count", 20.0),
            tuple("io.read.gib.count", 1.5),
            tuple("io.write.gib.count", 0.5)
        );
    }

    @Test
    void so_is_what_a_failed_one_took_as_far_as_it_is_known() throws Exception {
        assertThat(metrics("failed")).containsExactly(
            tuple("queue.duration", Duration.ofMillis(1500)),
            tuple("run.duration", Duration.ofSeconds(61)),
            tuple("batch.requests.count", 9.0),
            tuple("batch.retries.count", 0.0),
            tuple("batch.throttled.duration", Duration.ZERO),
            tuple("wall.clock.duration", Duration.ofSeconds(61))
        );
    }

    private List<Tuple> metrics(String status) throws Exception {
        JsonNode outcome = outcome(status);
        FakeBoundary rust = new FakeBoundary().answers(() -> "[" + outcome + ", {\"type\": \"end\"}]");
        catchThrowable(() -> parse(YAML).outcome(new BatchRun(() -> rust), runContext, taskCommands, null));
        return runContext.metrics().stream().map(metric -> tuple(metric.getName(), metric.getValue())).toList();
    }

    @Test
    void kestra_counts_the_lines_of_each_stream() throws Exception {
        DefaultLogConsumer consumer = new DefaultLogConsumer(runContext);
        TaskLog log = new TaskLog(consumer, InstantSource.system());
        log.write(new Event.Log(Event.Stream.STDOUT, List.of("a", "b"), 1, 2, 0));
        log.write(new Event.Log(Event.Stream.STDERR, List.of("c"), 2, 3, 0));
        assertThat(consumer).returns(2, AbstractLogConsumer::getStdOutCount).returns(1, AbstractLogConsumer::getStdErrCount);
    }

    @Test
    void what_may_stand_in_the_configuration_may_be_missing_in_the_flow() throws Exception {
        assertThat(validator.isValid(parse("type: io.kestra.plugin.azure.runner.Batch"))).isEmpty();
        assertThat(validator.isValid(parse("type: io.kestra.plugin.azure.runner.Batch\nblobStorage: {}"))).isEmpty();
    }

    @Test
    void a_misspelt_resource_id_is_refused_by_name() throws Exception {
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
        // Only Kestra 2 has a Loop.
        assertThat(examples).filteredOn(example -> !example.code()[0].contains("core.flow.Loop")).isNotEmpty().allSatisfy(example -> {
            Flow flow = YamlParser.parse(String.join("\n", example.code()), Flow.class);
            validator.validate(flow);
            assertThat(flow.getTasks()).isNotEmpty();
        });
    }

    @Test
    void no_secret_is_ever_printed() {
        Property<String> secret = Property.ofValue("canary");
        var storage = BlobStorage.builder().connectionString(secret).sharedKeyAccountAccessKey(secret).sasToken(secret);
        var registry = Registry.builder().password(secret);
        var batch = Batch.builder().accessKey(secret).clientSecret(secret).pemCertificate(secret).blobStorage(storage.build()).registry(registry.build());
        var request = Request.builder().accessKey("canary").clientSecret("canary").pemCertificate("canary");
        var rendered = List.of(new Request.BlobContainer(null, "canary", null, null, "canary", "canary", null), new Request.ContainerRegistry(null, null, "canary", null), request.build());
        var models = List.of(storage, storage.build(), registry, registry.build(), batch, batch.build(), request);
        for (Object printed : Stream.concat(models.stream(), rendered.stream()).toList()) {
            assertThat(printed.toString()).isNotBlank().doesNotContain("canary");
        }
    }

    /** Returns the first outcome of the fixture that has this status. */
    private static JsonNode outcome(String status) throws IOException {
        return Fixtures.read("events.json").valueStream()
            .filter(event -> event.path("status").asText().equals(status))
            .findFirst().orElseThrow();
    }

    private ObjectNode request(String yaml, List<String> outputFiles) throws Exception {
        return (ObjectNode) new ObjectMapper().readTree(new RequestRenderer(parse(yaml), runContext, taskCommands).render(outputFiles).toJson());
    }

    /** Reads a flow as the engine does: it ignores unknown names. */
    private static Batch parse(String yaml) throws Exception {
        return JacksonMapper.ofYaml().readerFor(Batch.class).without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).readValue(yaml);
    }

    /** The variables of Kestra for the task run in the fixture. */
    private static Map<String, Object> variables(JsonNode request, int attempt) {
        return Map.of(
            "flow", Map.of("id", "azure_batch_runner", "namespace", "company.team"),
            "task", Map.of("id", "scrape_environment_info", "type", "io.kestra.plugin.scripts.python.Commands"),
            "execution", Map.of("id", request.at("/labels/kestra-execution-id").asText()),
            "taskrun", Map.of("id", request.at("/labels/kestra-taskrun-id").asText(), "attemptsCount", attempt),
            "vars", Map.of("poolId", request.get("poolId").asText(), "tenant", "tenant"),
            "secrets", Map.of(
                "account", request.get("account").asText(),
                "accessKey", request.get("accessKey").asText(),
                "clientSecret", "client secret",
                "connectionString", request.at("/blobStorage/connectionString").asText(),
                "registryPassword", request.at("/registry/password").asText()
            )
        );
    }
}
