package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Path;

/** Examples of the documents that Java and Rust exchange. The Rust tests read them too. */
final class Fixtures {
    private Fixtures() {
    }

    static JsonNode read(String name) throws IOException {
        return new ObjectMapper().readTree(Path.of(System.getProperty("fixtures"), name).toFile());
    }
}
