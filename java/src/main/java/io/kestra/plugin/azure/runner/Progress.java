package io.kestra.plugin.azure.runner;

import io.kestra.core.runners.RunContext;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.BiConsumer;

/**
 * Reports the steps of a run. Kestra 1.3.27 and later have {@code RunContext.emitProgress} for it: a log line of level INFO that also has the name of
 * the step, which Kestra's topology view shows. The plugin is compiled against an older version.
 */
final class Progress {
    private static final MethodHandle EMIT = emitProgress(RunContext.class);

    private Progress() {
    }

    /** Takes the name of a step and a message. Where Kestra knows no steps, the message is only logged. */
    static BiConsumer<String, String> of(RunContext runContext) {
        return EMIT == null ? (step, message) -> runContext.logger().info(message) : (step, message) -> emit(EMIT, runContext, step, message);
    }

    /** Returns null if the class has no such method. */
    static MethodHandle emitProgress(Class<?> runContext) {
        try {
            var type = MethodType.methodType(void.class, String.class, String.class);
            return MethodHandles.publicLookup().findVirtual(runContext, "emitProgress", type);
        } catch (NoSuchMethodException | IllegalAccessException e) {
            return null;
        }
    }

    static void emit(MethodHandle emitProgress, Object runContext, String step, String message) {
        try {
            emitProgress.invoke(runContext, step, message);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("The method declares no checked exception", e);
        }
    }
}
