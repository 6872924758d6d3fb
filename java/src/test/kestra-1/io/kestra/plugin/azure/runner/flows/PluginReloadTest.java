package io.kestra.plugin.azure.runner.flows;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kestra.core.plugins.PluginClassLoader;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Loads the jar with Kestra's own plugin class loader and runs a command, several times. */
class PluginReloadTest {
    private static final int LOADS = 4;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String OURS = "io.kestra.plugin.azure.runner.";

    @Test
    void a_plugin_that_ran_can_be_unloaded_and_loaded_again() throws Exception {
        long before = mappedLibraries();
        // Other tests leave runs that can still be killed for ten minutes.
        long threads = threads();
        for (int n = 0; n < LOADS; n++) {
            var loader = runInLoader(threads);

            assertThat(Poll.until(LIMIT, () -> isGone(loader))).as("class loader %d is gone", n).isTrue();
            assertThat(Poll.until(LIMIT, () -> mappedLibraries() <= before)).as("library %d is gone", n).isTrue();
        }
    }

    private static WeakReference<ClassLoader> runInLoader(long threads) throws Exception {
        var jar = jar();
        try (var loader = PluginClassLoader.of(jar, new URL[] {jar}, PluginReloadTest.class.getClassLoader())) {
            // In a thread that ends: the library's thread-local values keep it mapped as long as the thread lives.
            var inThread = CompletableFuture.supplyAsync(() -> outcome(loader), run -> new Thread(run).start());
            assertThat(inThread.get()).contains("\"succeeded\"");
            // A thread that has not quite ended while the JVM unloads the library keeps it mapped until another one is unloaded.
            assertThat(Poll.until(LIMIT, () -> threads() <= threads)).as("the library's threads have ended").isTrue();
            return new WeakReference<>(loader);
        }
    }

    private static URL jar() throws IOException {
        try (var files = Files.list(Path.of("build/plugins"))) {
            return files.findFirst().orElseThrow().toUri().toURL();
        }
    }

    private static boolean isGone(WeakReference<ClassLoader> loader) {
        System.gc();
        return loader.refersTo(null);
    }

    /** Runs a command to its end and returns all events. */
    private static String outcome(ClassLoader loader) {
        try {
            var boundary = method(loader.loadClass(OURS + "Native"), "boundary").invoke(null);
            var type = loader.loadClass(OURS + "Boundary");
            var run = method(type, "start", String.class).invoke(boundary, request());
            var events = new StringBuilder();
            while (events.indexOf("\"end\"") < 0) {
                var next = method(type, "next", long.class, long.class).invoke(boundary, run, 200L);
                events.append(next == null ? "" : next);
                if (events.indexOf("\"outcome\"") >= 0) {
                    method(type, "acknowledge", long.class).invoke(boundary, run);
                }
            }
            method(type, "close", long.class).invoke(boundary, run);
            return events.toString();
        } catch (ReflectiveOperationException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Method method(Class<?> type, String name, Class<?>... parameters) throws NoSuchMethodException {
        var method = type.getDeclaredMethod(name, parameters);
        method.setAccessible(true);
        return method;
    }

    private static String request() throws IOException {
        var request = (ObjectNode) new ObjectMapper().readTree(Path.of(System.getProperty("fixtures"), "request.json").toFile());
        request.put("account", System.getenv("AZURE_BATCH_ACCOUNT"));
        request.put("accessKey", System.getenv("AZURE_BATCH_ACCESS_KEY"));
        request.put("endpoint", System.getenv("AZURE_BATCH_ENDPOINT"));
        request.put("poolId", System.getenv("AZURE_BATCH_POOL"));
        request.put("containerImage", "ubuntu:latest");
        request.putNull("blobStorage").putNull("registry").putNull("outputDir");
        request.putArray("outputFiles");
        request.putArray("commands").add("/bin/sh").add("-c").add("echo hello");
        return request.toString().replace("5c0ffee5c0ff", UUID.randomUUID().toString().substring(24));
    }

    /** Returns how many threads there are of the library's runtimes and of the clean-up. Linux keeps 15 letters of a name. */
    private static long threads() {
        try (var threads = Files.list(Path.of("/proc/self/task"))) {
            return threads.filter(thread -> name(thread).startsWith("kestra-azure-ba")).count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns an empty name for a thread that has just ended. */
    private static String name(Path thread) {
        try {
            return Files.readString(thread.resolve("comm"));
        } catch (IOException e) {
            return "";
        }
    }

    /** Returns how many copies of the library are mapped into this process. */
    private static long mappedLibraries() {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                .filter(line -> line.contains("/kestra-azure-batch-") && line.contains(" r-xp "))
                .count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
