package io.kestra.plugin.azure.runner;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.helpers.NOPLogger;

import java.io.File;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import static org.assertj.core.api.Assertions.assertThat;

/** Runs the plugin's classes in a class loader of their own, as Kestra does. */
class UnloadingTest {
    private static final String PACKAGE = "io.kestra.plugin.azure.runner.";

    @Test
    @Timeout(60)
    void a_plugin_whose_runs_are_cleaned_up_can_be_unloaded() throws Exception {
        WeakReference<ClassLoader> loader = cleanUpInAnotherLoader();
        while (!loader.refersTo(null)) {
            System.gc();
            Thread.sleep(Duration.ofMillis(10));
        }
        assertThat(loader.get()).isNull();
    }

    private static WeakReference<ClassLoader> cleanUpInAnotherLoader() throws Exception {
        try (OwnLoader loader = new OwnLoader()) {
            Class<?> scenario = loader.loadClass(Scenario.class.getName());
            assertThat(scenario).isNotSameAs(Scenario.class);
            ((Runnable) scenario.getConstructor().newInstance()).run();
            return new WeakReference<>(loader);
        }
    }

    /** Two runs, cleaned up one after the other. */
    public static final class Scenario implements Runnable {
        private final CleanUp cleanUp = new CleanUp(Duration.ZERO);

        @Override
        public void run() {
            try {
                cleanUpAfterARun();
                cleanUpAfterARun();
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private void cleanUpAfterARun() throws IOException, InterruptedException {
            Path workingDirectory = Files.createTempDirectory("kestra-unloading-");
            FakeBoundary rust = new FakeBoundary()
                .answers(() -> "[{\"type\": \"outcome\", \"status\": \"succeeded\", \"exitCode\": 0}]")
                .answers(() -> "[{\"type\": \"end\"}]");
            BatchRun run = new BatchRun(() -> rust);
            run.start("{}");
            run.follow(NOPLogger.NOP_LOGGER, (step, message) -> { }, new CollectingLogConsumer());
            cleanUp.begin(run, workingDirectory, NOPLogger.NOP_LOGGER);
            Files.delete(workingDirectory);
            cleanUp.thread().join();
        }
    }

    /** Loads the plugin's classes itself and leaves all others to the class loader of the tests. */
    private static final class OwnLoader extends URLClassLoader {
        OwnLoader() throws MalformedURLException {
            super(classPath(), UnloadingTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith(PACKAGE)) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : findClass(name);
            }
        }

        private static URL[] classPath() throws MalformedURLException {
            List<URL> urls = new ArrayList<>();
            for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
                urls.add(new File(path).toURI().toURL());
            }
            return urls.toArray(URL[]::new);
        }
    }
}
