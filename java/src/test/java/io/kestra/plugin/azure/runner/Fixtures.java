package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import java.io.IOException;
import java.nio.file.Path;

/** The documents of the Java/Rust boundary, which the Rust tests read too. */
final class Fixtures {
    private Fixtures() {
    }

    static JsonNode read(String name) throws IOException {
        return new ObjectMapper().readTree(Path.of(System.getProperty("fixtures"), name).toFile());
    }
}
