package io.kestra.plugin.azure.runner;

import io.kestra.core.docs.Document;
import io.kestra.core.docs.DocumentationGenerator;
import io.kestra.core.junit.annotations.KestraTest;
import io.kestra.core.plugins.RegisteredPlugin;
import jakarta.inject.Inject;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Manifest;

import static org.assertj.core.api.Assertions.assertThat;

/** The page of the task runner, as Kestra makes it for its documentation and its editor. */
@KestraTest
class DocumentationTest {
    /** {@code KESTRA_PAGE=write} replaces it. Read what has changed. */
    private static final Path PAGE = Path.of(System.getProperty("fixtures"), "page.md");

    @Inject
    private DocumentationGenerator generator;

    @Test
    void the_page_is_the_one_that_was_read() throws Exception {
        String page = pages().stream().filter(document -> document.getPath().endsWith("Batch.md")).findFirst().orElseThrow().getBody();
        if ("write".equals(System.getenv("KESTRA_PAGE"))) {
            Files.writeString(PAGE, page);
        }
        assertThat(page).isEqualTo(Files.readString(PAGE));
    }

    private List<Document> pages() throws Exception {
        Manifest manifest = new Manifest();
        Map.of("Manifest-Version", "1.0", "X-Kestra-Name", "plugin-azure-batch", "X-Kestra-Title", "Azure Batch", "X-Kestra-Group", "io.kestra.plugin.azure")
            .forEach(manifest.getMainAttributes()::putValue);
        return generator.generate(RegisteredPlugin.builder()
            .manifest(manifest)
            .classLoader(Batch.class.getClassLoader())
            .tasks(List.of())
            .triggers(List.of())
            .conditions(List.of())
            .storages(List.of())
            .secrets(List.of())
            .taskRunners(List.of(Batch.class))
            .assets(List.of())
            .assetExporters(List.of())
            .apps(List.of())
            .appBlocks(List.of())
            .charts(List.of())
            .dataFilters(List.of())
            .dataFiltersKPI(List.of())
            .logExporters(List.of())
            .additionalPlugins(List.of())
            .guides(List.of())
            .aliases(Map.of())
            .build());
    }
}
