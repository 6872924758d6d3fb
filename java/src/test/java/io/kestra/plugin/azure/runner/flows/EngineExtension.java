package io.kestra.plugin.azure.runner.flows;

import io.kestra.plugin.azure.demo.Engine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** Boots one engine for all flow tests of this JVM, because a boot takes longer than a flow. */
final class EngineExtension implements ParameterResolver {
    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(EngineExtension.class);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == Flows.class;
    }

    /** JUnit closes the objects in its root store after the last test. */
    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getRoot().getStore(NAMESPACE).getOrComputeIfAbsent(Flows.class, key -> boot(), Flows.class);
    }

    private static Flows boot() {
        try {
            return new Flows(Engine.start(Files.createTempDirectory(Path.of("build"), "flow-storage-")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
