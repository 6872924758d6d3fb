package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo in a JVM of its own, in which the plugin is only the jar that was built. */
class DemoTest {
    @TempDir
    private Path folder;

    @Test
    void the_jar_alone_in_a_plugins_folder_serves_the_demo() throws Exception {
        var demo = demo(Map.of());

        assertThat(demo.exitCode()).as(demo.output()).isZero();
        assertThat(demo.output())
            .containsPattern("Batch comes from .*/build/plugins/plugin-azure-batch-.*\\.jar")
            .contains("Hello from Azure Batch and kestra!", "Kestra.outputs:", "\"python_version\": ", "Hello from a namespace file!");
    }

    @Test
    void the_demo_without_an_emulator_fails_and_says_why() throws Exception {
        var closed = Base64.getEncoder().encodeToString("http://127.0.0.1:1".getBytes(StandardCharsets.UTF_8));

        var demo = demo(Map.of("DEMO_EMULATOR", "off", "SECRET_ENDPOINT", closed));

        assertThat(demo.exitCode()).isEqualTo(1);
        assertThat(demo.output())
            .contains("endpoint: ", "Connection refused", "[demo] FAILED: flow azure_batch_runner", "DEMO_EMULATOR=off: no emulator was started");
    }

    @Test
    void the_jar_holds_the_plugin_and_its_library_and_no_code_of_others() throws IOException {
        try (var jar = new JarFile(onlyFileIn(Path.of("build/plugins")))) {
            var names = jar.stream().filter(entry -> !entry.isDirectory()).map(JarEntry::getName).toList();

            assertThat(names).contains("META-INF/services/io.kestra.core.models.Plugin", "native/linux-" + machine() + "/libkestra_azure_batch.so");
            assertThat(names).filteredOn(name -> name.endsWith(".class")).allMatch(name -> name.startsWith("io/kestra/plugin/azure/runner/"));
            assertThat(jar.getManifest().getMainAttributes().keySet()).map(Object::toString)
                .contains("X-Kestra-Name", "X-Kestra-Title", "X-Kestra-Group", "X-Kestra-Description", "X-Kestra-License", "X-Kestra-Version");
        }
    }

    /** Java has another name for one of them. */
    private static String machine() {
        return System.getProperty("os.arch").replace("amd64", "x86_64");
    }

    private static File onlyFileIn(Path folder) throws IOException {
        try (var listing = Files.list(folder)) {
            var files = listing.toList();
            assertThat(files).as("files in %s", folder).hasSize(1);
            return files.getFirst().toFile();
        }
    }

    private Command demo(Map<String, String> environment) throws IOException, InterruptedException {
        return Command.run(folder, environment, List.of("scripts/engine", folder.resolve("storage").toString()));
    }
}
