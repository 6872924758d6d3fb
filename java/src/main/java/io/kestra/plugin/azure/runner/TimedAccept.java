package io.kestra.plugin.azure.runner;

import io.kestra.core.models.tasks.runners.AbstractLogConsumer;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.time.Instant;
import java.util.Optional;

/** The method with which a log consumer takes a line together with its time. Kestra has it since 0.22; the plugin is compiled against an older version. */
record TimedAccept(MethodHandle method) {
    private static final MethodType TYPE = MethodType.methodType(void.class, String.class, Boolean.class, Instant.class);

    /** Returns nothing if consumers of this class take no times. */
    static Optional<TimedAccept> of(Class<?> consumer) {
        try {
            return Optional.of(new TimedAccept(MethodHandles.publicLookup().findVirtual(consumer, "accept", TYPE)));
        } catch (ReflectiveOperationException e) {
            return Optional.empty();
        }
    }

    void accept(AbstractLogConsumer consumer, String line, boolean isStdErr, Instant time) {
        try {
            method.invoke(consumer, line, isStdErr, time);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("The method declares no checked exception", e);
        }
    }
}
