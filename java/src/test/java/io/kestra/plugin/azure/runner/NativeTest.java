package io.kestra.plugin.azure.runner;

import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The real library, without a service. */
class NativeTest {
    private static final long NO_SUCH_RUN = -1;

    private final Boundary rust = Native.boundary();

    @Test
    void an_unknown_field_is_refused_by_name() throws IOException {
        ObjectNode request = (ObjectNode) Fixtures.read("request.json");
        request.put("poolid", "pool");
        assertThatThrownBy(() -> rust.start(request.toString()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("poolid");
    }

    @Test
    void windows_is_refused_before_anything_is_created() throws IOException {
        ObjectNode request = (ObjectNode) Fixtures.read("request.json");
        request.put("targetOs", "WINDOWS");
        assertThatThrownBy(() -> rust.start(request.toString()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("targetOS");
    }

    @Test
    void next_of_a_run_that_does_not_exist_is_an_illegal_state() {
        assertThatThrownBy(() -> rust.next(NO_SUCH_RUN, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void acknowledge_kill_and_close_of_a_run_that_does_not_exist_do_nothing() {
        assertThatCode(() -> {
            rust.acknowledge(NO_SUCH_RUN);
            rust.kill(NO_SUCH_RUN);
            rust.close(NO_SUCH_RUN);
        }).doesNotThrowAnyException();
    }

    /** The JVM does not load one library file in two class loaders, and Kestra may load a plugin in several. */
    @Test
    void every_class_loader_gets_the_library() throws Exception {
        for (int i = 0; i < 2; i++) {
            try (URLClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
                Class<?> library = loader.loadClass(NativeLibrary.class.getName());
                assertThat(library).isNotSameAs(NativeLibrary.class);
                Method load = library.getDeclaredMethod("load");
                load.setAccessible(true);
                assertThatCode(() -> load.invoke(null)).doesNotThrowAnyException();
            }
        }
    }

    private static URL[] classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator)).map(NativeTest::url).toArray(URL[]::new);
    }

    private static URL url(String path) {
        try {
            return new File(path).toURI().toURL();
        } catch (MalformedURLException e) {
            throw new UncheckedIOException(e);
        }
    }
}
