package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import io.kestra.core.contexts.MavenPluginRepositoryConfig;
import io.kestra.core.plugins.DefaultPluginRegistry;
import io.kestra.core.plugins.LocalPluginManager;
import io.kestra.core.plugins.MavenPluginDownloader;
import io.kestra.core.plugins.PluginArtifact;
import io.kestra.core.plugins.PluginScanner;
import io.kestra.core.plugins.RegisteredPlugin;
import io.kestra.plugin.azure.neighbour.Neighbour;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the jar gets into an engine, and what else may be there. */
class InstallTest {
    private static final String RUNNER = "io.kestra.plugin.azure.runner.Batch";
    private static final String OF_ENTERPRISE = "io.kestra.plugin.ee.azure.runner.Batch";

    @TempDir
    private Path folder;

    @Test
    void kestra_installs_it_from_a_maven_repository_in_a_folder() throws Exception {
        var repository = folder.resolve("repository");
        var coordinates = List.of(publish("1.0.0", repository), publish("1.1.0", repository), "io.kestra.plugin:plugin-azure-batch:LATEST");
        var repositories = List.of(new MavenPluginRepositoryConfig("local", repository.toUri().toString(), null));
        var plugins = Files.createDirectory(folder.resolve("plugins"));

        try (var downloader = new MavenPluginDownloader(repositories, folder.resolve("m2").toString())) {
            var manager = new LocalPluginManager(downloader);
            var versions = coordinates.stream().map(one -> manager.install(PluginArtifact.fromCoordinates(one), repositories, false, plugins).version());
            assertThat(versions).containsExactly("1.0.0", "1.1.0", "1.1.0");
        }

        assertThat(plugins.resolve("io_kestra_plugin__plugin-azure-batch__1_1_0.jar")).hasSameBinaryContentAs(jar());
        var ours = scan(plugins).getFirst();
        assertThat(ours.getTaskRunners()).extracting(Class::getName).containsExactly(RUNNER);
        assertThat(ours.getAliases().values()).extracting(alias -> alias.getKey()).containsExactly(OF_ENTERPRISE);
    }

    @Test
    void it_is_at_home_beside_a_plugin_of_the_same_group() throws Exception {
        Files.copy(jar(), folder.resolve("plugin-azure-batch.jar"));
        writeNeighbour(folder.resolve("plugin-azure.jar"));

        var registry = register(folder);

        assertThat(registry.findClassByIdentifier(RUNNER).getClassLoader()).isNotSameAs(registry.findClassByIdentifier(Neighbour.class.getName()).getClassLoader());
        assertThat(registry.plugins()).extracting(RegisteredPlugin::group).contains("io.kestra.plugin.azure", "io.kestra.plugin.azure");
        assertThat(registry.plugins()).extracting(RegisteredPlugin::title).contains("Azure Batch", "azure");
    }

    @Test
    void two_versions_in_one_folder_load_one_runner() throws Exception {
        Files.copy(jar(), folder.resolve("io_kestra_plugin__plugin-azure-batch__1_0_0.jar"));
        Files.copy(jar(), folder.resolve("io_kestra_plugin__plugin-azure-batch__1_1_0.jar"));

        var registry = register(folder);

        var runner = registry.findClassByIdentifier(RUNNER);
        assertThat(registry.findClassByIdentifier(OF_ENTERPRISE)).isSameAs(runner);
        var boundary = runner.getClassLoader().loadClass("io.kestra.plugin.azure.runner.Native").getDeclaredMethod("boundary");
        boundary.setAccessible(true);
        assertThat(boundary.invoke(null)).isNotNull();
    }

    private static List<RegisteredPlugin> scan(Path plugins) {
        return new PluginScanner(InstallTest.class.getClassLoader()).scan(plugins);
    }

    /** A registry of its own: the engine of other tests has another one. */
    private static DefaultPluginRegistry register(Path plugins) {
        var registry = new DefaultPluginRegistry() {
        };
        registry.register(plugins);
        return registry;
    }

    private static String publish(String version, Path repository) throws Exception {
        var process = new ProcessBuilder("scripts/maven-repository", jar().toString(), version, repository.toString()).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes()).strip();
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static Path jar() throws IOException {
        try (var files = Files.list(Path.of("build/plugins"))) {
            return files.findFirst().orElseThrow();
        }
    }

    /** A jar as Kestra's Azure plugin is one: the same group, other classes. */
    private static void writeNeighbour(Path jar) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        for (var about : List.of("X-Kestra-Group", "X-Kestra-Name", "X-Kestra-Title")) {
            manifest.getMainAttributes().putValue(about, about.endsWith("Group") ? "io.kestra.plugin.azure" : about.endsWith("Name") ? "plugin-azure" : "azure");
        }
        var name = Neighbour.class.getName();
        var type = name.replace('.', '/') + ".class";
        try (var out = new JarOutputStream(Files.newOutputStream(jar), manifest); var bytes = Neighbour.class.getClassLoader().getResourceAsStream(type)) {
            out.putNextEntry(new JarEntry(type));
            bytes.transferTo(out);
            out.putNextEntry(new JarEntry("META-INF/services/io.kestra.core.models.Plugin"));
            out.write(name.getBytes());
        }
    }
}
